"""Why a broker does not do what the daemon needs."""

from __future__ import annotations

import socket
import ssl
from enum import Enum, auto

from edge.mqtt.tls_hint import refused_tls

_ADDRESS_MISMATCHES = (62, 64)
"""OpenSSL's verification errors for a certificate that names another host or IP address."""


class Failure(Enum):
    """Why a broker does not do what the daemon needs, in the order of the steps."""

    FILES = auto()
    """A password, certificate or key cannot be read."""

    NAME = auto()
    """The host's name does not resolve."""

    CLOSED = auto()
    """Nothing listens at the port."""

    UNREACHABLE = auto()
    """The host cannot be reached."""

    SILENT = auto()
    """No answer came in time."""

    NOT_TLS = auto()
    """The port does not speak TLS, and the address says that it does."""

    TLS = auto()
    """The port speaks TLS, and the address says that it does not."""

    CERTIFICATE = auto()
    """The broker's certificate is not trusted, or not valid now."""

    OTHER_HOST = auto()
    """The broker's certificate names another host."""

    OWN_CERTIFICATE = auto()
    """The broker wants a certificate of this device, or another one."""

    NOT_MQTT = auto()
    """The port speaks something else."""

    MUTE = auto()
    """The connection was closed without an answer."""

    LOGIN = auto()
    """The broker refuses the login."""

    SUBSCRIBE = auto()
    """The broker refuses the subscriptions."""

    PUBLISH = auto()
    """The broker does not take the message."""

    LOST = auto()
    """The message was taken and did not come back. Before MQTT 5 a broker may take what it denies, without a word."""


_MEANINGS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Failure], ...] = (
    (ssl.SSLCertVerificationError, Failure.CERTIFICATE),
    (socket.gaierror, Failure.NAME),
    (ConnectionRefusedError, Failure.CLOSED),
    (TimeoutError, Failure.SILENT),
    ((ConnectionError, ssl.SSLError), Failure.MUTE),
)
"""Of errors in the course of connecting, the first that fits."""


def failure_of(error: OSError, *, tls: bool) -> Failure:
    """Return what an error in the course of connecting means, over TLS or without."""
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in _ADDRESS_MISMATCHES:
        return Failure.OTHER_HOST
    if isinstance(error, ssl.SSLError) and "ALERT" in (getattr(error, "reason", None) or ""):
        return Failure.OWN_CERTIFICATE
    if tls and refused_tls(error):
        return Failure.NOT_TLS
    return next((failure for kind, failure in _MEANINGS if isinstance(error, kind)), Failure.UNREACHABLE)


def reason_of(error: OSError) -> str:
    """Return an error in the course of connecting as a clause for a person."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return str(error.strerror or error).lower()
