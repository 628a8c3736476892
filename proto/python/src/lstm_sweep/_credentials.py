"""Which coordinator a client talks to, and as whom: arguments, then the environment, then the data folder here."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import _address, _token
from ._address import Address
from ._token import Token
from .errors import AccessError, TokenError, UnavailableError

#: The data folder of a coordinator that was started in the current folder.
_DATA_FOLDER: Final = Path(".sweep")

#: Others may not read a file with a secret.
_OTHERS: Final = 0o077


@dataclass(frozen=True)
class Presence:
    """A coordinator as its data folder knows it."""

    folder: Path
    address: str
    identity: str
    """What it tells those whom it lets in: another coordinator may listen at its address meanwhile."""


def find(server: str | None, token: str | None) -> tuple[list[Address], Token | None, Presence | None]:
    """Return the coordinator's addresses, the token to show it, and how its data folder knows it where that named it.

    Raises:
        AddressError: the address is none.
        TokenError: the token is none, or none is there for an address that needs one.
        AccessError: the data folder here is another user's.
        UnavailableError: no address is given, and no coordinator has worked here.

    """
    server = server or os.environ.get("SWEEP_SERVER", "").strip() or None
    present = None if server else _presence()
    local = present or _quiet_presence()
    addresses = _address.parse(server or (present.address if present else ""))
    if not addresses[0].is_secure:
        return addresses, None, present
    is_local = local is not None and _address.parse(local.address) == addresses
    given = token or os.environ.get("SWEEP_TOKEN", "").strip() or None
    # The owner of the data folder is the administrator.
    administrator = _administrator() if is_local else None
    if administrator is not None and (given is None or (token is None and not _is_of(administrator, given))):
        return addresses, administrator, present
    if given is None:
        raise TokenError(
            f"{addresses[0]} lets nobody in without a token; set SWEEP_TOKEN or give Client(token=…); on the coordinator's "
            "machine `sweep token create submitter` makes one",
        )
    return addresses, _token.parse(given), present


def _presence() -> Presence:
    try:
        owner = _DATA_FOLDER.stat().st_uid
        if owner != os.geteuid() != 0:
            raise AccessError(
                f"{_DATA_FOLDER} belongs to user {owner}, and this is user {os.geteuid()}; name a coordinator with Client(URL)",
            )
        text = (_DATA_FOLDER / "coordinator.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnavailableError(
            f"there is no coordinator of a data folder {_DATA_FOLDER} here; start one with `sweep serve`, go to the folder of "
            "your sweeps, or name a coordinator with Client(URL) or SWEEP_SERVER",
        ) from None
    known = json.loads(text)
    return Presence(_DATA_FOLDER, str(known["address"]), str(known["identity"]))


def _quiet_presence() -> Presence | None:
    try:
        return _presence()
    except (UnavailableError, AccessError, OSError, ValueError, KeyError):
        return None


def _is_of(administrator: Token, text: str) -> bool:
    """Whether a token is one of the administrator's coordinator; a variable may be left over from another one."""
    try:
        return _token.parse(text).pin == administrator.pin
    except TokenError:
        return False


def _administrator() -> Token | None:
    path = _DATA_FOLDER / "security" / "admin-token"
    try:
        if stat.S_IMODE(path.stat().st_mode) & _OTHERS:
            return None
        return _token.parse(path.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError, TokenError):
        return None
