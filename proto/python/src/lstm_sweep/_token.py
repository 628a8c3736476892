"""The text of a token: `sw1.<id>.<secret>.<pin>`."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final

from .errors import TokenError

#: What a token's text begins with; the number is the format's version.
_PREFIX: Final = "sw1"

_PARTS: Final = 4

#: Bytes of a secret and of a pin: both have 256 bits.
_BYTES: Final = 32


@dataclass(frozen=True)
class Token:
    """A token, which prints without its secret."""

    text: str = field(repr=False)
    """The whole text; shown to the coordinator whose pin is in it, and to nobody else."""
    identifier: str
    """Its public name, as in `sweep token list`."""
    pin: bytes
    """SHA-256 of the `SubjectPublicKeyInfo` of the authority whose coordinator may see the secret."""


def parse(text: str) -> Token:
    """Read a token; spaces around it do not matter.

    Raises:
        TokenError: names the part that is wrong, and does not quote it.

    """
    text = text.strip()
    parts = text.split(".")
    if len(parts) != _PARTS or parts[0] != _PREFIX:
        raise _wrong("shape")
    _, identifier, secret, pin = parts
    if re.fullmatch("[0-9a-f]{16}", identifier) is None:
        raise _wrong("identifier")
    _decoded(secret, "secret")
    return Token(text, identifier, _decoded(pin, "pin"))


def _decoded(text: str, part: str) -> bytes:
    try:
        decoded = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise _wrong(part) from None
    if len(decoded) != _BYTES or "=" in text:
        raise _wrong(part)
    return decoded


def _wrong(part: str) -> TokenError:
    return TokenError(
        f"this is no token of a coordinator (its {part} is wrong); copy the whole text that `sweep token create` printed",
    )
