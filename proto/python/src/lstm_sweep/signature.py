"""Whether a report is as its coordinator signed it: `report.sig`, beside the report's files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ._files import check_name
from .errors import VerificationError

if TYPE_CHECKING:
    import os

#: The file that says what was signed.
_FILE_NAME: Final = "report.sig"

#: Versions of that file: the first tells no projection of the records.
_FORMATS: Final = (1, 2)

#: Most bytes of it that are read: it names about ten files.
_BYTES_MAX: Final = 1 << 20

#: Stands before what is signed.
_DOMAIN: Final = b"lstm-sweep report signature\n"


@dataclass(frozen=True)
class Verified:
    """A report whose files are as they were signed, and whose records are those of the coordinator's store."""

    sweep: int
    """The sweep's number."""
    name: str
    state: str
    """The sweep's state when the report was made."""
    files: tuple[str, ...]
    records: str
    """SHA-256 of the records that the report was made from, in hexadecimal digits."""
    projection: int
    """Which version of the projection of the records `records` is of."""
    key: str
    """The public key (Ed25519) that signed it, in hexadecimal digits."""
    rerun: dict[str, Any] | None = None
    """What came of training trials again, as `sweep verify --rerun --json` tells it; `None` where none was trained."""


def check(folder: str | os.PathLike[str]) -> Verified:
    """Check the files of a report against its signature. Whose key it is, only a coordinator can tell.

    Raises:
        VerificationError: a file was changed, or the signature is wrong or missing.

    """
    place = Path(folder)
    statement, signature = _read(place / _FILE_NAME)
    try:
        key, files = statement["key"], dict(statement["files"])
        # As it was signed: in the order of the file, without white space.
        signed = _DOMAIN + json.dumps(statement, ensure_ascii=False, separators=(",", ":")).encode()
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), signed)
        verified = Verified(
            statement["sweep"],
            statement["name"],
            statement["state"],
            tuple(files),
            statement["records"],
            int(statement.get("projection", 1)),
            key,
        )
    except InvalidSignature as error:
        raise VerificationError(f"{place / _FILE_NAME} was changed after it was signed") from error
    except (KeyError, TypeError, ValueError) as error:
        raise VerificationError(f"{place / _FILE_NAME} is not the signature of a report") from error
    changed = [problem for name, digest in files.items() if (problem := _problem(place, name, digest))]
    if changed:
        raise VerificationError(f"the report does not hold: {'; '.join(changed)}")
    return verified


def _read(path: Path) -> tuple[dict[str, Any], str]:
    try:
        with path.open("rb") as file:
            content = json.loads(file.read(_BYTES_MAX))
        statement, signature = content["statement"], content["signature"]
        known = isinstance(statement, dict) and isinstance(signature, str)
    except OSError as error:
        raise VerificationError(f"{path} cannot be read: {error}; a report that was fetched has it beside its files") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise VerificationError(f"{path} is not the signature of a report") from error
    if not known or statement.get("format") not in _FORMATS:
        raise VerificationError(f"{path} has a format that this client does not know; it knows those up to {_FORMATS[-1]}")
    return statement, signature


def _problem(place: Path, name: str, digest: object) -> str | None:
    check_name(name)
    try:
        with (place / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read())
    except OSError as error:
        return f"{name} cannot be read: {error}"
    return None if found.hexdigest() == digest else f"{name} was changed after it was signed"
