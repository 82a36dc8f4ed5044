"""Find out why a port does not speak TLS with us, or speaks nothing else, for a sentence that helps."""

from __future__ import annotations

import socket
import ssl

_WAIT_S = 2.0


def speaks_tls(host: str, port: int, wait_s: float = _WAIT_S) -> bool:
    """Return whether a TLS handshake is answered at a port. Nothing is sent over it, and no certificate is checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), wait_s) as plain, context.wrap_socket(plain, server_hostname=host):
            return True
    except ssl.SSLEOFError:
        return False  # it closed the connection
    except ssl.SSLError as error:
        # An alert (a certificate is wanted, a version is not) is TLS as well.
        return "ALERT" in (error.reason or "")
    except (OSError, ValueError):
        return False


def alert_of(host: str, port: int, context: ssl.SSLContext, wait_s: float = _WAIT_S) -> str | None:
    """Return the alert with which a TLS server ends a handshake, or answers it (TLS 1.3); None: it sends none.

    Args:
        host: Where it is.
        port: Where it is.
        context: With this device's certificate, if there is one.
        wait_s: Seconds for each answer.
    """
    try:
        with (
            socket.create_connection((host, port), wait_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            secured.recv(1)
    except ssl.SSLError as error:
        reason = error.reason or ""
        return reason.rpartition("ALERT_")[2].replace("_", " ").lower() if "ALERT" in reason else None
    except (OSError, ValueError):
        pass
    return None


def refused_tls(error: OSError) -> bool:
    """Return whether a TLS handshake failed because the port does not speak TLS."""
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError):
        return True
    return isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
