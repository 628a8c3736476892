"""A coordinator: what is launched there, and what is there already."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from . import _convert, _credentials, _toml, errors, program, signature
from ._connection import Connection
from ._generated import sweep_pb2
from .program import Prediction, Program
from .status import Worker
from .sweep import Sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from .signature import Verified
    from .status import Progress, Status

#: Largest sweep file that a coordinator reads, in bytes.
_FILE_BYTES_MAX: Final = 256 << 10

#: What a sweep file is called in messages that was given as text.
_TEXT_NAME: Final = "sweep.toml"


class Client:
    """A connection to a coordinator, found as the `sweep` command finds it.

    Args:
        server: `https://HOST:PORT`, several with commas between them, or `http://127.0.0.1:PORT` on this machine. By default
            `SWEEP_SERVER`, else the coordinator whose data folder is `.sweep` here.
        token: The text that `sweep token create submitter` printed, for https. By default `SWEEP_TOKEN`. The coordinator's
            key is compared with the pin in it before anything is sent.
        sweep_binary: The `sweep` program, for `plan`, `inspect`, `predict` and `verify(rerun=…)`. By default it is looked for
            on `PATH` when it is needed.

    Raises:
        SweepError: an `AddressError`, `TokenError`, `WrongCoordinatorError`, `AccessError` or `UnavailableError`.

    """

    def __init__(
        self,
        server: str | None = None,
        token: str | None = None,
        *,
        sweep_binary: str | os.PathLike[str] | None = None,
    ) -> None:
        self._connection = Connection(*_credentials.find(server, token))
        self._sweep_binary = sweep_binary

    def launch(
        self,
        sweep_file: str | os.PathLike[str] | Mapping[str, Any],
        *,
        reuse: bool = True,
        attach: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Sweep:
        """Launch a sweep; returns once its data is prepared and its trials wait for workers.

        Args:
            sweep_file: The path of a sweep file; or its text: a string with a line break in it; or its content as a
                dictionary: `{"name": "reviews", "data": {...}, "grid": {"units": [32, 64]}, "train": {...}}`. The coordinator
                reads the data, so paths in it are paths on its machine; relative ones are relative to the file, or for text
                and dictionary to the current folder.
            reuse: Whether trials that an earlier sweep has finished are taken over.
            attach: Return a sweep that asks for the same on the same data and has not ended yet, if there is one, in place
                of a new one.
            on_progress: Called now and then while the data is prepared.

        Raises:
            SweepFileError: every problem of the file, each with line, column and remedy.
            OSError: the file cannot be read.

        """
        request = _launch_request(sweep_file)
        request.forbid_reuse, request.attach = not reuse, attach
        for event in self._connection.stream("Launch", request):
            if event.WhichOneof("kind") == "launched":
                return self._sweep(event.launched)
            if on_progress is not None:
                on_progress(_convert.progress(event.progress))
        raise errors.UnavailableError("the coordinator ended the launch without a sweep; sweeps() shows whether it is there")

    def sweeps(self) -> list[Sweep]:
        """Every sweep, oldest first."""
        return [self._sweep(message) for message in self._list()]

    def statuses(self) -> list[Status]:
        """The status of every sweep, oldest first, without running trials and all but the best configuration."""
        return [_convert.status(message) for message in self._list()]

    def sweep(self, name_or_id: str | int) -> Sweep:
        """Find a sweep by number, or by name: the newest of that name.

        Raises:
            NotFoundError: there is none.

        """
        return self._sweep(self._connection.call("Get", sweep_pb2.GetRequest(sweep=str(name_or_id))))

    def workers(self) -> list[Worker]:
        """Every worker that the coordinator knows, also those that have left."""
        reply = self._connection.call("Workers", sweep_pb2.WorkersRequest())
        return [_convert.worker(message) for message in reply.workers]

    def drain(self, worker: str | Worker) -> None:
        """Ask a worker to save the state of its trials, hand them back and leave.

        Args:
            worker: The worker, its id, or its name where only one has it.

        Raises:
            NotFoundError: there is none.

        """
        name = worker.id if isinstance(worker, Worker) else worker
        self._connection.call("Drain", sweep_pb2.DrainRequest(worker=name))

    def plan(
        self,
        sweep_file: str | os.PathLike[str] | Mapping[str, Any],
        *,
        data: bool = True,
        measure: bool | None = None,
        slots: int | None = None,
        prices: float | Mapping[str, float] | None = None,
    ) -> dict[str, Any]:
        """Tell what a sweep would take here, by how fast this coordinator's workers are. As `Program.plan`."""
        return self._program().plan(sweep_file, data=data, measure=measure, slots=slots, prices=prices)

    def inspect(self, dataset: str | os.PathLike[str], **data: object) -> dict[str, Any]:
        """Look at a dataset of this machine as a sweep would read it. As `Program.inspect`."""
        return self._program().inspect(dataset, **data)

    def predict(self, model: str | os.PathLike[str], texts: Iterable[str]) -> list[Prediction]:
        """Classify texts with a model's folder, as `Sweep.best_model` writes it. As `Program.predict`."""
        return self._program().predict(model, texts)

    def verify(
        self,
        report: str | os.PathLike[str],
        *,
        rerun: int | None = None,
        seed: int | None = None,
    ) -> Verified:
        """Check that a report in a folder is as this coordinator signed it, and its records still those of its store.

        Args:
            report: The folder.
            rerun: How many completed trials are trained again on the coordinator's workers, drawn at random, and compared with
                the report. It takes the `sweep` program and a token of the role submitter.
            seed: From what they are drawn; by default another number each time.

        Raises:
            VerificationError: it is not, or a trial came out differently, and the message says what differs.

        """
        verified = signature.check(report)
        request = sweep_pb2.SealRequest(sweep=str(verified.sweep), projection=verified.projection)
        seal = self._connection.call("Seal", request)
        if seal.key != verified.key:
            raise errors.VerificationError(
                f"the report is signed with the key {verified.key}, but this coordinator signs with {seal.key}",
            )
        # A coordinator that does not tell knows the first version only.
        if (seal.projection or 1) != verified.projection:
            raise errors.VerificationError(
                f"the report's records are hashed in version {verified.projection}, which this coordinator does not know",
            )
        if seal.records != verified.records:
            raise errors.VerificationError(
                f"the store has other records of sweep {verified.sweep} than those that the report was made from: it was "
                f"{verified.state} then and is {seal.state} now; where it went on, fetch the report again",
            )
        return verified if rerun is None else replace(verified, rerun=self._rerun(report, rerun, seed))

    def _rerun(self, report: str | os.PathLike[str], count: int, seed: int | None) -> dict[str, Any]:
        drawn = [] if seed is None else ["--seed", str(seed)]
        finished = self._program().run(["verify", "--rerun", str(count), *drawn, "--", os.fspath(report)])
        found: dict[str, Any] = program.answer(finished, errors.VerificationError)["rerun"]
        return found

    def _program(self) -> Program:
        return Program(self._sweep_binary).of(*self._connection.shown())

    def close(self) -> None:
        """Close the connection. Later calls open it again."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({','.join(str(address) for address in self._connection.addresses)})"

    def _sweep(self, message: sweep_pb2.SweepStatus) -> Sweep:
        return Sweep(self._connection, message.id, message.name)

    def _list(self) -> list[sweep_pb2.SweepStatus]:
        reply = self._connection.call("List", sweep_pb2.ListRequest())
        return sorted(reply.sweeps, key=lambda sweep: int(sweep.id))


def _launch_request(file_or_text: str | os.PathLike[str] | Mapping[str, Any]) -> sweep_pb2.LaunchRequest:
    if isinstance(file_or_text, Mapping):
        return sweep_pb2.LaunchRequest(file_name=_TEXT_NAME, text=_toml.text(file_or_text), directory=str(Path.cwd()))
    if isinstance(file_or_text, str) and "\n" in file_or_text:
        return sweep_pb2.LaunchRequest(file_name=_TEXT_NAME, text=file_or_text, directory=str(Path.cwd()))
    if not isinstance(file_or_text, str | os.PathLike):
        raise TypeError(f"a sweep file is a path, its text or a dictionary, not {type(file_or_text).__name__}")
    path = Path(file_or_text)
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        if isinstance(file_or_text, str) and "=" in file_or_text:
            raise errors.SweepFileError(
                f"there is no file {file_or_text[:200]!r}; where this is the text of a sweep file, end it with a line break",
            ) from error
        raise
    if len(content) > _FILE_BYTES_MAX:
        raise errors.SweepFileError(f"{path} has more than {_FILE_BYTES_MAX >> 10} KiB: it is not a sweep file")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise errors.SweepFileError(f"{path} is not UTF-8 text: {error}; save it as UTF-8") from error
    return sweep_pb2.LaunchRequest(file_name=str(path), text=text, directory=str(path.absolute().parent))
