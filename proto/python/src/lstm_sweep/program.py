"""Commands of the `sweep` program, for what no coordinator does over the network: looks at data, plans, predictions, reruns."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from . import _toml, errors

#: The program's name where none is given.
_NAME: Final = "sweep"

#: Exit codes of the program that mean one kind of error, as `sweep --help` lists them.
_KINDS: Final[dict[int, type[errors.SweepError]]] = {2: errors.SweepFileError, 3: errors.UnavailableError}

#: What a sweep is refused with, and what a look at data ends with that a sweep would refuse.
_FAILED: Final = 1

#: Most texts that are given as arguments of one command; a system bounds them all together.
_TEXTS_OF_ARGUMENTS_MAX: Final = 16

_BREAK: Final = re.compile(r"[\r\n]")


@dataclass(frozen=True)
class Prediction:
    """A text and the class that a model gives it."""

    text: str
    label: str
    probability: float
    """Of that class, from 0 to 1."""
    probabilities: dict[str, float]
    """Of every class by its name."""


@dataclass(frozen=True)
class Finished:
    """What a command printed and how it ended."""

    code: int
    output: str
    said: str


class Program:
    """The `sweep` program of this machine. What it reads, it reads here; it needs no coordinator.

    Args:
        path: Where the program is; by default it is looked for on `PATH`. `predict` needs `sweep-worker` beside it or on
            `PATH`, and so does `plan` where it measures.

    Raises:
        ProgramError: there is no such program.

    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        found = shutil.which(_NAME if path is None else os.fspath(path))
        if found is None:
            where = f"the program {_NAME} is not on PATH" if path is None else f"{os.fspath(path)} is not a program"
            raise errors.ProgramError(
                f"{where}; build it with `cargo build --release`, and name it with Client(sweep_binary=…) or Program(…)",
            )
        self.path = os.path.realpath(found)
        self._environment: dict[str, str] = {}

    def of(self, server: str, token: str | None) -> Program:
        """Return the same program, whose commands ask this coordinator. The token goes by the environment."""
        other = Program(self.path)
        other._environment = {"SWEEP_SERVER": server} | ({} if token is None else {"SWEEP_TOKEN": token})
        return other

    def inspect(self, dataset: str | os.PathLike[str], **data: object) -> dict[str, Any]:
        """Look at a dataset as a sweep would read it: rows, classes, lengths, sample tokens, and rows that cannot be used.

        Args:
            dataset: A file, a pattern of files, a folder, or a known dataset: "snippets", "imdb" or "nsmc".
            data: What a sweep file says of it under `[data]`, by the same names: `text`, `label`, `header`, `delimiter`,
                `encoding`, `html_breaks`, `labels`, `labels_dropped`, `validation_path`, `test_path`.
                `None` is as if it were not given.

        Returns:
            What `sweep data inspect --json` prints. `refused` says why a sweep would refuse the data, and is `None` where it
            would not.

        Raises:
            SweepFileError: the data cannot be read.

        """
        options = [option for name, value in data.items() for option in _options(name, value)]
        finished = self.run(["data", "inspect", *options, "--", os.fspath(dataset)])
        is_refused = finished.code == _FAILED and finished.output.lstrip().startswith("{")
        return _object(finished) if is_refused else answer(finished)

    def plan(
        self,
        sweep_file: str | os.PathLike[str] | Mapping[str, Any],
        *,
        data: bool = True,
        measure: bool | None = None,
        slots: int | None = None,
        prices: float | Mapping[str, float] | None = None,
    ) -> dict[str, Any]:
        """Tell what a sweep asks for, and what it takes, before anything runs.

        Args:
            sweep_file: As for `Client.launch`. The data is read on this machine.
            data: Whether the data is opened; else sizes assume a full vocabulary and two classes.
            measure: Whether a few batches are trained on this machine: `True` always, `False` never, `None` where no
                coordinator knows how fast its workers are and it takes half a minute at most.
            slots: How many trials run side by side; by default as many as suit the machine.
            prices: What an hour of a device costs, in any currency; or that of devices whose model name holds each key.

        Returns:
            What `sweep plan --json` prints: trials, sizes of the models, memory, disk, time with its interval, money.

        Raises:
            SweepFileError: every problem of the file, or what is wrong with its data.

        """
        options = [] if data else ["--no-data"]
        if measure is not None:
            options.append("--measure" if measure else "--no-measure")
        if slots is not None:
            options += ["--slots", str(slots)]
        if isinstance(prices, Mapping):
            options += [option for device, price in prices.items() for option in ("--price", f"{device}={price}")]
        elif prices is not None:
            options += ["--price-per-device-hour", str(prices)]
        if isinstance(sweep_file, Mapping):
            sweep_file = _toml.text(sweep_file)
        if isinstance(sweep_file, str) and "\n" in sweep_file:
            return answer(self.run(["plan", *options, "-"], sweep_file))
        return answer(self.run(["plan", *options, "--", os.fspath(sweep_file)]))

    def predict(self, model: str | os.PathLike[str], texts: Iterable[str]) -> list[Prediction]:
        """Classify texts with a model's folder, as `Sweep.best_model` writes it.

        Raises:
            SweepFileError: there is no such folder.
            SweepError: its files are not a model.

        """
        predictions: list[Prediction] = []
        for has_breaks, group in groupby(texts, key=lambda text: _BREAK.search(text) is not None):
            together = list(group)
            # A line of the input is a text; one that has several is an argument.
            step = _TEXTS_OF_ARGUMENTS_MAX if has_breaks else len(together)
            for at in range(0, len(together), step):
                predictions += self._predicted(os.fspath(model), together[at : at + step], as_arguments=has_breaks)
        return predictions

    def run(self, arguments: Sequence[str], given: str = "") -> Finished:
        """Run a command that answers with JSON, with a text as its input.

        Raises:
            ProgramError: it cannot be started.

        """
        environment = {**os.environ, **self._environment, "NO_COLOR": "1"}
        try:
            ended = subprocess.run(  # noqa: S603 - the caller names the program
                [self.path, "--json", *arguments],
                input=given.encode(),
                capture_output=True,
                check=False,
                env=environment,
            )
        except (OSError, ValueError) as error:
            raise errors.ProgramError(f"{self.path} cannot be started: {error}") from error
        return Finished(ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace"))

    def _predicted(self, model: str, texts: list[str], *, as_arguments: bool) -> list[Prediction]:
        command = ["predict", "--model", model]
        if as_arguments:
            finished = self.run([*command, "--", *texts])
        else:
            finished = self.run(command, "".join(f"{text}\n" for text in texts))
        output = _well(finished).output
        try:
            # Only a line feed ends a line: texts have other separators.
            lines = [json.loads(line) for line in output.split("\n") if line]
            predictions = [
                Prediction(text, one["label"], one["probability"], one["probabilities"])
                for text, one in zip(texts, lines, strict=True)
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise errors.ProgramError(f"what {self.path} answers is not understood; it may be of another version") from error
        return predictions


def _options(name: str, value: object) -> list[str]:
    if value is None:
        return []
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, Mapping):
        return [part for key, one in value.items() for part in (option, f"{key}={one}")]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [part for one in value for part in (option, str(one))]
    return [option, str(value).lower() if isinstance(value, bool) else str(value)]


def answer(finished: Finished, failed: type[errors.SweepError] = errors.SweepError) -> dict[str, Any]:
    """Return the answer of a command that ended well.

    Raises:
        SweepError: it did not, in the words of the program; `failed` where neither the command nor its coordinator is missing.

    """
    return _object(_well(finished, failed))


def _well(finished: Finished, failed: type[errors.SweepError] = errors.SweepError) -> Finished:
    if finished.code == 0:
        return finished
    raise _KINDS.get(finished.code, failed)(_words(finished))


def _words(finished: Finished) -> str:
    """What the program says of its failure: the lines from its error on."""
    lines = finished.said.strip().splitlines()
    first = next((at for at, line in enumerate(lines) if line.startswith("error: ")), None)
    # The problems of a sweep file stand above the line that counts them.
    told = lines if first is None or finished.code in _KINDS else lines[first:]
    return "\n".join(told).replace("error: ", "", 1) or f"the program ended with the code {finished.code} and said nothing"


def _object(finished: Finished) -> dict[str, Any]:
    try:
        content: object = json.loads(finished.output)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise errors.ProgramError("the answer of the program is not understood; it may be of another version")
    return content
