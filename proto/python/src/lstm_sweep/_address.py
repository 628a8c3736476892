"""Addresses of coordinators as people write them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from .errors import AddressError

#: Most addresses of one coordinator and its standbys.
ADDRESSES_MAX: Final = 16

_PORT_MAX: Final = 65_535

#: Scheme, host and port; IPv6 in brackets. No user, path or query.
_SHAPE: Final = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*)://)?(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})/?")


@dataclass(frozen=True)
class Address:
    """Where one coordinator listens."""

    host: str
    """A name or an IP address, IPv6 without brackets."""
    port: int
    is_secure: bool
    """Whether TLS is spoken."""

    @property
    def target(self) -> str:
        """As gRPC wants it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it leads to this machine whoever answers for names."""
        return _is_loopback(self.host)

    def __str__(self) -> str:
        return f"{'https' if self.is_secure else 'http'}://{self.target}"


def parse(text: str) -> list[Address]:
    """Read one address, or several with commas between them.

    Raises:
        AddressError: with what to write instead.

    """
    addresses = [_one(part.strip()) for part in text.split(",")]
    if len(addresses) > ADDRESSES_MAX:
        raise AddressError(f"at most {ADDRESSES_MAX} addresses may be given")
    if len({address.is_secure for address in addresses}) > 1:
        raise AddressError("either all addresses begin with https:// or none does")
    return addresses


def _one(text: str) -> Address:
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise _malformed(text)
    scheme, bracketed, plain, port_text = shape.groups()
    scheme = (scheme or "http").lower()
    if scheme not in ("http", "https"):
        raise AddressError(f'the scheme "{scheme}" is not supported; write https://HOST:PORT')
    host, port = bracketed or plain, int(port_text)
    if not 0 < port <= _PORT_MAX or (bracketed and _ip(bracketed) is None):
        raise _malformed(text)
    if scheme == "http" and not _is_loopback(host):
        raise AddressError(
            f'"{host}" is not this machine, and nothing is said in plain text beyond it; write https://{host}:PORT with '
            "the token that `sweep token create` printed",
        )
    return Address(host, port, is_secure=scheme == "https")


def _malformed(text: str) -> AddressError:
    return AddressError(f'"{text[:200]}" is no address; write https://HOST:PORT, or http://127.0.0.1:7077 on this machine')


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _ip(host)
    return host == "localhost" or (address is not None and address.is_loopback)
