"""What can go wrong, each kind with a class of its own and the coordinator's words as its message."""

from __future__ import annotations

from typing import Final

import grpc


class SweepError(Exception):
    """Something that the coordinator or this client refuses; every error of this package is one."""


class AddressError(SweepError, ValueError):
    """Text that is no address of a coordinator, or one that would be spoken to in plain text."""


class TokenError(SweepError, ValueError):
    """Text that is no token, or no token where one is needed. The text is never quoted."""


class WrongCoordinatorError(SweepError):
    """Another coordinator than the one that made the token, or that the data folder here names. Nothing was sent to it."""


class UnavailableError(SweepError, ConnectionError):
    """No coordinator answers, or the connection broke. The next call connects anew."""


class AccessError(SweepError, PermissionError):
    """The token is not known, has expired or was revoked, or its role may not do this."""


class NotFoundError(SweepError, LookupError):
    """There is no such sweep."""


class SweepFileError(SweepError, ValueError):
    """A sweep file, its data or another argument is wrong; the message has every problem with its place and remedy."""


class StateError(SweepError):
    """The sweep is in a state that does not allow it: it has ended, for example."""


class VerificationError(SweepError):
    """A report is not as it was signed, or its records are not those of the coordinator's store."""


class ProgramError(SweepError):
    """The `sweep` program is not there, cannot be started, or answers something else than the one of this version."""


class TimedOutError(SweepError, TimeoutError):
    """A sweep did not end in the time that was given to wait for it; it goes on."""


_KINDS: Final[dict[grpc.StatusCode, type[SweepError]]] = {
    grpc.StatusCode.CANCELLED: UnavailableError,
    grpc.StatusCode.FAILED_PRECONDITION: StateError,
    grpc.StatusCode.INVALID_ARGUMENT: SweepFileError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.PERMISSION_DENIED: AccessError,
    grpc.StatusCode.UNAUTHENTICATED: AccessError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
}


def of_call(error: grpc.RpcError) -> SweepError:
    """Translate what a failed call left behind."""
    if not isinstance(error, grpc.Call):
        return SweepError(str(error))
    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return SweepError(
            "the coordinator does not know this request; it may be of an older version: compare `sweep --version` there "
            "with this package's",
        )
    message = details or f"the coordinator answered {code.name} without a reason"
    # A stream that was cut in the midst of it is reported so, not as a lost connection.
    is_cut = code is grpc.StatusCode.INTERNAL and "RST_STREAM" in message
    kind = UnavailableError if is_cut else _KINDS.get(code, SweepError)
    if kind is UnavailableError:
        message = f"the connection to the coordinator broke: {message}"
    return kind(message)
