"""Which coordinator a client talks to, and as whom: arguments, then the environment, then the data folder here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from . import _address, _token
from ._address import Address
from ._token import Token
from .errors import TokenError

#: Where a coordinator listens by default.
_DEFAULT_SERVER: Final = "http://127.0.0.1:7077"

#: The keys of a coordinator that was started in the current folder.
_LOCAL: Final = Path(".sweep", "security")

#: Others may not read a file with a secret.
_OTHERS: Final = 0o077


def find(server: str | None, token: str | None) -> tuple[list[Address], Token | None]:
    """Return the coordinator's addresses and the token to show it; no token for plain addresses.

    Raises:
        AddressError: the address is none.
        TokenError: the token is none, or none is there for an address that needs one.

    """
    server = server or os.environ.get("SWEEP_SERVER") or None
    token = token or os.environ.get("SWEEP_TOKEN", "").strip() or None
    local = _read("address")
    if token is None and local is not None and server in (None, local):
        # The owner of the data folder is the administrator.
        token = _read("admin-token")
    addresses = _address.parse(server or local or _DEFAULT_SERVER)
    if not addresses[0].is_secure:
        return addresses, None
    if token is None:
        raise TokenError(
            f"{addresses[0]} lets nobody in without a token; set SWEEP_TOKEN or give Client(token=…); on the coordinator's "
            "machine `sweep token create submitter` makes one",
        )
    return addresses, _token.parse(token)


def _read(name: str) -> str | None:
    path = _LOCAL / name
    try:
        is_secret = path.stat().st_mode & _OTHERS == 0
        return path.read_text(encoding="utf-8").strip() or None if is_secret else None
    except (OSError, UnicodeDecodeError):
        return None
