"""Password and certificates for a broker."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from edge.errors import ConfigError
from edge.files import read_regular, read_text
from edge.redaction import redact_file
from edge.wire.characters import MOST_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import MqttConfig


def credentials(config: MqttConfig) -> tuple[str | None, ssl.SSLContext | None]:
    """Read password and certificates, where the settings name them.

    Raises:
        ConfigError: One cannot be read.
    """
    password = _read_password(config.password_file) if config.password_file else None
    return password, _tls_context(config) if config.broker.tls else None


_MOST_CERTIFICATES = 4 << 20
"""Bytes of a file of certificates; Debian's authorities are 0.2 MB."""


def _read_password(file: Path) -> str:
    shown = redact_file(str(file))
    try:
        password = read_text(file, most_bytes=MOST_BYTES + 10).rstrip("\r\n")
    except OSError as error:
        message = f"mqtt.password_file: {shown}: {error.strerror}; name a file that holds the password"
        raise ConfigError(message) from None
    except UnicodeDecodeError:
        message = f"mqtt.password_file: {shown}: not UTF-8 text; write the password on one line"
        raise ConfigError(message) from None
    if len(password.encode()) > MOST_BYTES:
        message = f"mqtt.password_file: {shown}: longer than MQTT allows ({MOST_BYTES} bytes)"
        raise ConfigError(message)
    if not password or "\n" in password:
        message = f"mqtt.password_file: {shown}: write the password there, on one line"
        raise ConfigError(message)
    return password


class _Socket(ssl.SSLSocket):
    """A socket that is closed when the handshake fails; paho leaves it open."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's signature
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _refuse_irregular(key: str, file: Path) -> None:
    """Refuse what OpenSSL would wait for, or read without an end."""
    try:
        read_regular(file, _MOST_CERTIFICATES)
    except OSError as error:
        message = f"mqtt.{key}: {redact_file(str(file))}: {error.strerror}"
        raise ConfigError(message) from None


def _tls_context(config: MqttConfig) -> ssl.SSLContext:
    for key, file in (("ca_file", config.ca_file), ("cert_file", config.cert_file), ("key_file", config.key_file)):
        if file:
            _refuse_irregular(key, file)
    what = f"mqtt.ca_file: {config.ca_file}"
    try:
        context = ssl.create_default_context(cafile=config.ca_file)
        context.sslsocket_class = _Socket
        if config.cert_file and config.key_file:
            what = f"mqtt.cert_file: {config.cert_file} with mqtt.key_file: {config.key_file}"
            # An encrypted key would be asked about on the terminal.
            context.load_cert_chain(config.cert_file, config.key_file, password="")
    except OSError as error:  # which ssl.SSLError is as well
        message = f"{what}: {error.strerror or error}"
        raise ConfigError(message) from None
    return context
