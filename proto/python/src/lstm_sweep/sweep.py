"""One sweep of a coordinator: following, steering and reading it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from . import _convert, _files, _toml, errors
from . import report as reports
from ._generated import sweep_pb2

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from ._connection import Connection
    from .report import Report
    from .status import Status

#: First and longest wait before a lost coordinator is looked for again, in seconds; each wait is twice the one before.
_RETRY_FIRST_S: Final = 0.25
_RETRY_MAX_S: Final = 5.0

#: Tools that read exports.
_TOOLS: Final = {"tensorboard": sweep_pb2.EXPORT_FORMAT_TENSORBOARD, "mlflow": sweep_pb2.EXPORT_FORMAT_MLFLOW}

#: How long a coordinator may be away, in seconds: longer than a restart or an upgrade takes.
_AWAY_MAX_S: Final = 900.0


class Sweep:
    """A sweep; made by `Client.launch`, `Client.sweep` and `Client.sweeps`."""

    def __init__(self, connection: Connection, number: int, name: str) -> None:
        self._connection = connection
        self.id: Final = number
        """Its number, which no other sweep of the coordinator has."""
        self.name: Final = name
        """Its name, which newer sweeps may have, too."""

    def status(self) -> Status:
        """How it stands now."""
        return self._status("Get")

    def watch(self, timeout: float | None = None) -> Iterator[Status]:
        """Iterate over its status now and after every change, until it has ended.

        A coordinator that restarts, or that another one takes over from, does not end it.

        Args:
            timeout: Seconds until it gives up; by default it never does.

        Raises:
            TimedOutError: the sweep has not ended in that time; it goes on.
            UnavailableError: the coordinator was away for fifteen minutes.

        """
        end = None if timeout is None else time.monotonic() + timeout
        away_since, wait = None, _RETRY_FIRST_S
        while True:
            reason: object = "it ended the stream"
            try:
                for message in self._connection.stream("Watch", self._request(), _left(end)):
                    away_since, wait = None, _RETRY_FIRST_S
                    status = _convert.status(message)
                    yield status
                    if status.has_ended:
                        return
            except errors.UnavailableError as error:
                reason = error
            except errors.SweepError as error:
                if end is None or time.monotonic() < end:
                    raise
                raise errors.TimedOutError(f"{self} has not ended in {timeout:g} s; it goes on") from error
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > _AWAY_MAX_S:
                raise errors.UnavailableError(f"the coordinator was away for {_AWAY_MAX_S / 60:g} minutes: {reason}")
            time.sleep(wait if end is None else max(0.0, min(wait, end - time.monotonic())))
            wait = min(wait * 2, _RETRY_MAX_S)

    def wait(self, timeout: float | None = None) -> Status:
        """Wait until it has ended and return its last status, as `watch` does. Its state may be `cancelled`."""
        for status in self.watch(timeout):
            last = status  # One at a time: a long sweep has many.
        return last

    def pause(self) -> Status:
        """Hand its running trials back after their next batch and give out no more."""
        return self._status("Pause")

    def resume(self) -> Status:
        """Give its trials out again, from where they stopped."""
        return self._status("Resume")

    def retry(self, *, failed: bool = True, diverged: bool = False) -> int:
        """Try trials again, each from its start and with all its tries, and return how many.

        Args:
            failed: Those that failed, and those that could not be measured on the test split.
            diverged: Those whose loss left every bound.

        """
        request = sweep_pb2.RetryRequest(sweep=str(self.id), failed=failed, diverged=diverged)
        return int(self._connection.call("Retry", request).retried)

    def cancel(self) -> Status:
        """End it; trials that have completed stay."""
        return self._status("Cancel")

    def delete(self) -> None:
        """Remove it for good, once it has ended; results that later sweeps reuse are kept.

        Raises:
            StateError: it has not ended; cancel it first.

        """
        self._connection.call("Delete", self._request())

    def extend(
        self,
        grid: Mapping[str, Sequence[Any]] | str | None = None,
        *,
        replicates: int | None = None,
        trials: int | None = None,
        epochs: int | None = None,
        hours: float | None = None,
        money: float | None = None,
    ) -> Status:
        """Add levels to its grid or replicates to each configuration, or change the budget of its search, also after its end.

        Args:
            grid: The levels to add: `{"units": [96], "dropout": [0.0, 0.3]}`, or lines as under `[grid]` of a sweep file. A
                hyperparameter that was not swept keeps its present value as a level, too.
            replicates: How many replicates each configuration shall have then.
            trials: How many trials its search may make then, those that there are included.
            epochs: How many epochs all trials of its search together may train then.
            hours: For how many hours all attempts together may hold their slots then.
            money: What these hours may cost then, at the price of its sweep file.

        Raises:
            SweepFileError: a level or a number is wrong.
            StateError: the sweep was cancelled, or its data has changed.
            ValueError: a number is not above 0.

        """
        numbers = {"replicates": replicates, "trials": trials, "epochs": epochs, "hours": hours, "money": money}
        for name, number in numbers.items():
            # The protocol's 0 means: as it is.
            if number is not None and not number > 0:
                raise ValueError(f"{name} must be above 0, not {number}")
        lines = grid if isinstance(grid, str) else _toml.text(grid or {})
        request = sweep_pb2.ExtendRequest(
            sweep=str(self.id),
            grid=lines,
            replicates=replicates or 0,
            trials=trials or 0,
            epochs=epochs or 0,
            hours=hours or 0.0,
            money=money or 0.0,
        )
        return _convert.status(self._connection.call("Extend", request))

    def export(self, tool: Literal["tensorboard", "mlflow"], into: str | os.PathLike[str]) -> list[Path]:
        """Write one run for each trial that has begun, as TensorBoard or MLflow reads it, and return the files.

        Args:
            tool: Whose format.
            into: The folder, which is made where it is missing: `tensorboard --logdir` takes it, MLflow its `mlruns`.

        """
        if tool not in _TOOLS:
            raise ValueError(f"there is no export for {tool!r}, but for {' and '.join(_TOOLS)}")
        folder = Path(into)
        folder.mkdir(parents=True, exist_ok=True)
        request = sweep_pb2.ExportRequest(
            sweep=str(self.id),
            format=_TOOLS[tool],
            folder_uri=folder.resolve().as_uri() + "/",
        )
        return _files.write(self._connection.stream("Export", request), folder, nested=True)

    def best_model(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the best model into a folder and return its files: weights, configuration, tokenizer and labels.

        `sweep predict --model FOLDER` uses it; `safetensors` and `tokenizers` read the files.

        Raises:
            StateError: no trial has completed yet.

        """
        return _files.write(self._connection.stream("BestModel", self._request()), folder)

    def report(self, folder: str | os.PathLike[str] | None = None, *, language: str = "en") -> Report:
        """Fetch the consolidated report, of a running sweep the report so far.

        Args:
            folder: Where to write its files, too.
            language: In which people read it: "en" or "ko". Tables and numbers are the same in each.

        """
        request = sweep_pb2.ReportRequest(sweep=str(self.id), language=language)
        report = reports.receive(self._connection.stream("Report", request))
        if folder is not None:
            report.write(folder)
        return report

    def compare(
        self,
        other: Sweep | str | int,
        folder: str | os.PathLike[str],
        *,
        language: str = "en",
    ) -> list[Path]:
        """Write this sweep and another one side by side, seed by seed, into a folder and return its files.

        Args:
            other: The other sweep, or its name or number.
            folder: The folder, which is made where it is missing. `comparison.json` has every number.
            language: In which people read it: "en" or "ko".

        """
        second = str(other.id if isinstance(other, Sweep) else other)
        request = sweep_pb2.CompareRequest(first=str(self.id), second=second, language=language)
        return _files.write(self._connection.stream("Compare", request), folder)

    def answer(self) -> dict[str, Any]:
        """As `Report.answer`, of a report that is fetched for it."""
        return self.report().answer()

    def trials(self) -> pd.DataFrame:
        """As `Report.trials`, of a report that is fetched for it."""
        return self.report().trials()

    def epochs(self) -> pd.DataFrame:
        """As `Report.epochs`, of a report that is fetched for it."""
        return self.report().epochs()

    def __repr__(self) -> str:
        return f"sweep {self.id} ({self.name})"

    def _request(self) -> sweep_pb2.GetRequest:
        # The number, because a newer sweep may take the name.
        return sweep_pb2.GetRequest(sweep=str(self.id))

    def _status(self, method: str) -> Status:
        return _convert.status(self._connection.call(method, self._request()))


def _left(end: float | None) -> float | None:
    return None if end is None else max(0.0, end - time.monotonic())
