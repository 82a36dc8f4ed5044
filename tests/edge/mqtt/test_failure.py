from __future__ import annotations

import errno
import socket
import ssl

import pytest

from edge.mqtt.failure import Failure, failure_of, reason_of


@pytest.mark.parametrize(
    ("error", "tls", "failure"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), False, Failure.NAME),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), True, Failure.CLOSED),
        (TimeoutError("timed out"), False, Failure.SILENT),
        (TimeoutError("_ssl.c:989: The handshake operation timed out"), True, Failure.SILENT),
        (OSError(errno.EHOSTUNREACH, "No route to host"), False, Failure.UNREACHABLE),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), True, Failure.UNREACHABLE),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), True, Failure.NOT_TLS),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), False, Failure.MUTE),
        (ssl.SSLEOFError("EOF occurred in violation of protocol"), True, Failure.NOT_TLS),
    ],
)
def test_what_an_error_while_connecting_means(error: OSError, failure: Failure, *, tls: bool) -> None:
    assert failure_of(error, tls=tls) is failure
    assert reason_of(error)
    assert reason_of(error) == reason_of(error).lower()
