"""Connects to the first coordinator that serves, over TLS pinned to one authority where the address says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import grpc

from . import _tls, errors
from ._address import Address
from ._token import Token

if TYPE_CHECKING:
    from ._credentials import Presence

#: Largest message taken, in bytes: a list of every sweep with its state fits many times over.
_MESSAGE_BYTES_MAX: Final = 64 << 20

#: Largest error message taken, in bytes: every problem of a large sweep file.
_METADATA_BYTES_MAX: Final = 1 << 20

#: A silent connection is probed this often while an answer is awaited, and given up this long after, in milliseconds:
#: routers forget idle connections, and machines vanish.
_KEEP_ALIVE_MS: Final = 10_000
_KEEP_ALIVE_TIMEOUT_MS: Final = 8_000

#: How long a coordinator may take to say that it serves, in seconds.
_HEALTH_TIMEOUT_S: Final = 10.0

#: In which a coordinator tells its identity to those whom it lets in.
_IDENTITY_HEADER: Final = "sweep-coordinator"

#: `HealthCheckResponse { status: SERVING }`. One answer of one call needs no stubs.
_SERVING: Final = b"\x08\x01"

_OPTIONS: Final[list[tuple[str, str | int]]] = [
    ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
    ("grpc.max_metadata_size", _METADATA_BYTES_MAX),
    ("grpc.absolute_max_metadata_size", _METADATA_BYTES_MAX),
    ("grpc.keepalive_time_ms", _KEEP_ALIVE_MS),
    ("grpc.keepalive_timeout_ms", _KEEP_ALIVE_TIMEOUT_MS),
    ("grpc.http2.max_pings_without_data", 0),
    # A proxy of the environment would see what is said in plain text to this machine.
    ("grpc.enable_http_proxy", 0),
    # Channels to one address share a connection by default; here each has the trust that it was made with.
    ("grpc.use_local_subchannel_pool", 1),
]


def dial(addresses: list[Address], token: Token | None, presence: Presence | None = None) -> grpc.Channel:
    """Return a channel to the first address whose coordinator serves. Over TLS it shows the token with every request.

    Raises:
        AddressError: one of them begins with the wrong scheme.
        UnavailableError: none of them does; one that stands by for another does not serve.
        WrongCoordinatorError: the last one is somebody else.
        AccessError: the coordinator does not know the token.

    """
    failed: errors.SweepError | None = None
    for address in addresses:
        try:
            return _serving(address, token, presence)
        except (errors.UnavailableError, errors.WrongCoordinatorError) as error:
            failed = error
    if isinstance(failed, errors.WrongCoordinatorError):
        raise failed
    where = ",".join(str(address) for address in addresses)
    raise errors.UnavailableError(
        f"no coordinator answers at {where}: {failed}; start one with `sweep serve`, or name another with Client(URL) or "
        "SWEEP_SERVER",
    )


def _serving(address: Address, token: Token | None, presence: Presence | None) -> grpc.Channel:
    channel = _open(address, token)
    try:
        check: Any = channel.unary_unary("/grpc.health.v1.Health/Check", None, None)
        answer, call = check.with_call(b"", timeout=_HEALTH_TIMEOUT_S)
        told = dict(call.initial_metadata()).get(_IDENTITY_HEADER)
    except grpc.RpcError as error:
        channel.close()
        failure = errors.of_call(error)
        if isinstance(failure, errors.UnavailableError) and not address.is_secure and _tls.is_spoken(address):
            raise errors.AddressError(
                f"{address} begins with the wrong scheme: TLS is spoken there; write {replace(address, is_secure=True)}, with "
                "the token that `sweep token create` printed in SWEEP_TOKEN",
            ) from error
        raise failure from error
    if presence is not None and told != presence.identity:
        channel.close()
        raise errors.WrongCoordinatorError(
            f"at {address} is another coordinator than that of {presence.folder}, which does not run: start it again with "
            f"`sweep serve`, or name the other with Client({str(address)!r}). Nothing was sent",
        )
    if answer != _SERVING:
        channel.close()
        raise errors.UnavailableError(f"{address} stands by for another coordinator")
    return channel


def _open(address: Address, token: Token | None) -> grpc.Channel:
    if not address.is_secure:
        return grpc.insecure_channel(address.target, _OPTIONS)
    if token is None:
        raise errors.TokenError(f"{address} needs a token, whose pin tells the coordinator from others")
    # From here on this authority alone is trusted, so the token is shown to nobody else.
    trust = grpc.ssl_channel_credentials(root_certificates=_tls.authority(address, token.pin))
    credentials = grpc.composite_channel_credentials(trust, grpc.access_token_call_credentials(token.text))
    options = [*_OPTIONS, ("grpc.ssl_target_name_override", _tls.COORDINATOR_NAME)]
    return grpc.secure_channel(address.target, credentials, options)
