"""Calls of a coordinator over a connection that is made anew when it broke."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import grpc

from . import _channel, errors
from ._generated.sweep_pb2_grpc import SweepServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._address import Address
    from ._credentials import Presence
    from ._token import Token


class Connection:
    """A coordinator, or one of several that stand by for each other. Threads may share it."""

    def __init__(self, addresses: list[Address], token: Token | None, presence: Presence | None = None) -> None:
        self.addresses = addresses
        self._token = token
        self._presence = presence
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._stub: Any = None
        self._connected()

    def shown(self) -> tuple[str, str | None]:
        """The coordinator's addresses, and the token that is shown to it, as the `sweep` program takes both."""
        return ",".join(str(address) for address in self.addresses), self._token.text if self._token else None

    def call(self, method: str, request: object) -> Any:  # noqa: ANN401 - generated calls have no types
        """Make a call with one answer."""
        stub = self._connected()
        try:
            return getattr(stub, method)(request)
        except grpc.RpcError as error:
            raise self._failed(stub, error) from error

    def stream(self, method: str, request: object, timeout_s: float | None = None) -> Iterator[Any]:
        """Make a call with many answers, which is cancelled where the iterator is dropped."""
        stub = self._connected()
        answers = getattr(stub, method)(request, timeout=timeout_s)
        try:
            yield from answers
        except grpc.RpcError as error:
            raise self._failed(stub, error) from error
        finally:
            answers.cancel()

    def close(self) -> None:
        """Close it. A later call opens it again."""
        with self._lock:
            channel, self._channel, self._stub = self._channel, None, None
        if channel is not None:
            channel.close()

    def _connected(self) -> Any:  # noqa: ANN401 - as above
        with self._lock:
            if self._stub is None:
                self._channel = _channel.dial(self.addresses, self._token, self._presence)
                self._stub = SweepServiceStub(self._channel)
            return self._stub

    def _failed(self, stub: object, error: grpc.RpcError) -> errors.SweepError:
        failure = errors.of_call(error)
        if isinstance(failure, errors.UnavailableError):
            # The next call dials anew, perhaps another address. Other threads may still use the old channel: it closes
            # with its last user.
            with self._lock:
                if self._stub is stub:
                    self._channel = self._stub = None
        return failure
