"""A sweep's report as it was fetched: files by name, and what is read from them."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from . import _files
from .errors import SweepError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from ._generated import sweep_pb2

#: Most files of one report: there are about ten.
_FILES_MAX: Final = 256

#: Most bytes of one report, which is held in memory: a million trials have fewer.
_BYTES_MAX: Final = 4 << 30

#: Oldest version of report.json that is read.
_SCHEMA_VERSION_MIN: Final = 2

#: Columns whose cells may be missing, or look like numbers and are none. All others are told by their cells.
_TYPES: Final = {
    **dict.fromkeys(("state", "key", "dataset", "reused_from", "worker", "error"), "string"),
    **dict.fromkeys(("best_epoch", "epochs_trained", "parameters", "peak_memory_bytes", "diverged_epoch"), "Int64"),
    "early_stopped": "boolean",
    "energy_joules": "Float64",
}


class Report(dict[str, bytes]):
    """The files of a report by name: `report.html`, `report.json`, `trials.csv` and so on."""

    def json(self) -> dict[str, Any]:
        """Every number: the content of `report.json`."""
        try:
            content: object = json.loads(self._file("report.json"))
        except (ValueError, RecursionError) as error:
            raise SweepError(f"report.json cannot be read ({error}); fetch the report again") from error
        version = content.get("schema_version") if isinstance(content, dict) else None
        # Later versions add fields and keep these.
        if not isinstance(content, dict) or not isinstance(version, int) or version < _SCHEMA_VERSION_MIN:
            raise SweepError(
                f"report.json has the schema version {version!r}, and {_SCHEMA_VERSION_MIN} or later is read; "
                "run a newer coordinator and fetch the report again",
            )
        return content

    def answer(self) -> dict[str, Any]:
        """The answer to the sweep's question: the best configuration, how sure that is, and what matters most.

        Losses are in nats, accuracies fractions, `loss_percent` and `accuracy_points` in percent and percentage points.
        `provisional` is true while trials are open.
        """
        answer = self.json().get("answer")
        if not isinstance(answer, dict):
            raise SweepError("report.json has no answer that is read here; install the client of the coordinator's version")
        return answer

    def trials(self) -> pd.DataFrame:
        """One row per trial, by its position.

        Its hyperparameters, then the best epoch's `validation_loss` in nats and `validation_accuracy` as a fraction,
        `seconds` trained, `peak_memory_bytes`, `energy_joules` (missing unless the device tells it of every epoch), the
        `worker` and so on.
        """
        return self._frame("trials.csv")

    def epochs(self) -> pd.DataFrame:
        """One row per trial and epoch, from epoch 1.

        The trial's hyperparameters, then losses in nats, accuracies as fractions, `seconds`, `examples_per_second`,
        `peak_memory_bytes` and `energy_joules`.
        """
        return self._frame("epochs.csv")

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Write every file into the folder, which is made where it is missing. A file appears only when it is whole.

        Raises:
            SweepError: a name could leave the folder. Nothing was written then.
            OSError: a file cannot be written.

        """
        for name in self:
            _files.check_name(name)
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name, content in self.items():
            part = target / f".{name}.{os.getpid()}.part"
            part.write_bytes(content)
            part.replace(target / name)

    def _file(self, name: str) -> bytes:
        if name not in self:
            raise SweepError(f"the report has no file {name}, but {', '.join(self) or 'none at all'}")
        return self[name]

    def _frame(self, name: str) -> pd.DataFrame:
        try:
            import pandas as pd  # noqa: PLC0415 - an extra: files and answers need none
        except ImportError as error:
            raise ImportError("data frames need pandas: pip install 'lstm-sweep[pandas]'") from error
        # From 3.1 on, numbers read back exactly by default, and asking for it is deprecated.
        major, minor = (int(part) for part in pd.__version__.split(".")[:2])
        precision: Literal["round_trip"] | None = "round_trip" if (major, minor) < (3, 1) else None
        content = io.BytesIO(self._file(name))
        try:
            # Numbers read back as they were computed, to the last bit; only an empty cell is missing, not a worker named NA.
            return pd.read_csv(content, dtype=_TYPES, float_precision=precision, keep_default_na=False, na_values=[""])
        except ValueError as error:
            raise SweepError(f"{name} cannot be read ({error}); fetch the report again") from error


def receive(parts: Iterable[sweep_pb2.FilePart]) -> Report:
    """Put the files together. Their parts come in order, one file after another.

    Raises:
        SweepError: a name that could leave a folder, a file that comes twice, or too much of it.

    """
    files: dict[str, bytearray] = {}
    current, total = None, 0
    for part in parts:
        if part.name != current:
            current = part.name
            _files.check_name(current)
            if current in files or len(files) == _FILES_MAX:
                raise SweepError(f"the coordinator sends {current!r} twice, or too many files")
            files[current] = bytearray()
        total += len(part.data)
        if total > _BYTES_MAX:
            raise SweepError(f"the report has more than {_BYTES_MAX >> 30} GiB; `sweep report` writes it to disk as it comes")
        files[current] += part.data
    if not files:
        raise SweepError("the coordinator sent no file")
    return Report({name: bytes(content) for name, content in files.items()})
