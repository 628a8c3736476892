"""Files that a coordinator sends: their names are checked, and each appears in its folder only when it is whole."""

from __future__ import annotations

import os
import re
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .errors import SweepError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._generated import sweep_pb2

#: One component, and no hidden file: it cannot leave the folder that it is written to.
_COMPONENT: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")

#: Most components of a name: exports have four.
_DEPTH_MAX: Final = 8

#: Most files of one answer: an export of a million trials has fewer for each trial.
_FILES_MAX: Final = 100_000_000


def check_name(name: str) -> None:
    """Check the name of a file that lies in the folder itself.

    Raises:
        SweepError: it could lie elsewhere.

    """
    if _COMPONENT.fullmatch(name) is None:
        raise SweepError(f"a file named {name[:200]!r} is refused: it could lie outside of its folder")


def write(parts: Iterable[sweep_pb2.FilePart], folder: str | os.PathLike[str], *, nested: bool = False) -> list[Path]:
    """Write files as their parts come: in order, one file after another.

    Args:
        parts: What the coordinator sends.
        folder: Where to; it is made where it is missing.
        nested: Whether names may have folders in them.

    Raises:
        SweepError: a name could leave the folder, or nothing came.
        OSError: a file cannot be written.

    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, contents in groupby(parts, key=lambda part: part.name):
        if len(written) == _FILES_MAX:
            raise SweepError("the coordinator sends too many files")
        written.append(_write_one(_target(target, name, nested=nested), contents))
    if not written:
        raise SweepError("the coordinator sent no file")
    return written


def _target(folder: Path, name: str, *, nested: bool) -> Path:
    components = name.split("/") if nested else [name]
    if len(components) > _DEPTH_MAX:
        raise SweepError(f"a file named {name[:200]!r} is refused: it lies too deep")
    for component in components:
        check_name(component)
    return folder.joinpath(*components)


def _write_one(target: Path, parts: Iterable[sweep_pb2.FilePart]) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            for part in parts:
                file.write(part.data)
        return unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
