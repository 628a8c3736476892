"""The check that a coordinator is the one whose pin is known, made before anything is said to it."""

from __future__ import annotations

import hashlib
import socket
import ssl
from dataclasses import replace
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ._address import Address
from .errors import AddressError, UnavailableError, WrongCoordinatorError

#: The name in every coordinator's certificate. It is checked instead of the address that is dialled: the authority
#: signs for nobody else, and addresses change.
COORDINATOR_NAME: Final = "coordinator.lstm-sweep.internal"

#: How long an address may take to answer, and then for each step of the handshake, in seconds.
CONNECT_TIMEOUT_S: Final = 5.0
HANDSHAKE_TIMEOUT_S: Final = 10.0


def authority(address: Address, pin: bytes) -> bytes:
    """Fetch the coordinator's chain and return the certificate of its authority in PEM, if its key has the pin.

    The connection ends after its handshake: neither the token nor a request is sent over it. Whoever trusts the returned
    certificate alone talks to that coordinator alone.

    Raises:
        AddressError: no TLS is spoken there.
        UnavailableError: nobody answers, or not in TLS 1.3.
        WrongCoordinatorError: no certificate of the chain has that key.

    """
    for certificate in _chain(address)[1:]:
        try:
            read = x509.load_der_x509_certificate(certificate)
            key = read.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        except Exception:  # noqa: BLE001, S112 - a stranger's bytes: what cannot be read has not the pin
            continue
        if hashlib.sha256(key).digest() == pin:
            _check_leaf(address, read)
            return read.public_bytes(Encoding.PEM)
    raise WrongCoordinatorError(
        f"{address}: this is not the coordinator that the token was made by: its authority has another key. Nothing was sent "
        "to it; check the address, or ask for a new token",
    )


def is_spoken(address: Address) -> bool:
    """Whether the other side answers a TLS handshake. Nothing is said to it."""
    try:
        _chain(address)
    except (AddressError, UnavailableError):
        return False
    return True


def _chain(address: Address) -> list[bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Nothing is believed here: the pin is compared next.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return _handshake(address, context)


def _check_leaf(address: Address, root: x509.Certificate) -> None:
    """Let the library that gRPC does not ask say in plain words why a certificate does not hold, a wrong clock above all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=root.public_bytes(Encoding.DER))
    _handshake(address, context)


def _handshake(address: Address, context: ssl.SSLContext) -> list[bytes]:
    """Return what the coordinator shows of itself, in DER, its own certificate first."""
    try:
        with socket.create_connection((address.host, address.port), CONNECT_TIMEOUT_S) as connection:
            connection.settimeout(HANDSHAKE_TIMEOUT_S)
            with context.wrap_socket(connection, server_hostname=COORDINATOR_NAME) as secured:
                return [_der(one) for one in _unverified_chain(secured)]
    except ssl.SSLCertVerificationError as error:
        raise WrongCoordinatorError(
            f"{address}: its certificate does not hold ({error.verify_message}). Nothing was sent to it; where it has expired "
            "or is not yet valid, the clock of this machine or that of the coordinator is wrong",
        ) from error
    except ssl.SSLError as error:
        # Named so since OpenSSL 1.1, or as the record that could not be read.
        if error.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}:
            raise _no_tls(address) from error
        raise UnavailableError(f"{address} does not speak TLS 1.3 ({error.reason or error}); check the address") from error
    except OSError as error:
        raise UnavailableError(f"{address}: {error}") from error


def _no_tls(address: Address) -> AddressError:
    remedy = "check the address: beyond its own machine a coordinator speaks TLS only"
    if address.is_loopback:
        remedy = f"write {replace(address, is_secure=False)}, or start that coordinator with --tls"
    return AddressError(f"{address} begins with the wrong scheme: no TLS is spoken there; {remedy}")


def _unverified_chain(secured: ssl.SSLSocket) -> list[Any]:
    # Public from Python 3.13 on; before it, the same call lies one object deeper.
    of: Any = secured if hasattr(secured, "get_unverified_chain") else getattr(secured, "_sslobj")  # noqa: B009
    return list(of.get_unverified_chain() or [])


def _der(certificate: Any) -> bytes:  # noqa: ANN401 - bytes, or before Python 3.13 an object that ssl does not export
    if isinstance(certificate, bytes):
        return certificate
    return ssl.PEM_cert_to_DER_cert(certificate.public_bytes())
