"""Broker addresses, as a user writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class Broker:
    """Where to publish."""

    kind: Literal["network", "embedded", "none"]
    """A broker on the network, one beside the daemon, or no publishing at all."""

    host: str = "127.0.0.1"
    port: int = 1883
    user: str | None = None
    tls: bool = False

    def __str__(self) -> str:
        """Give the address without the user."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}" if self.kind == "network" else self.kind


def parse_broker(url: str) -> Broker:
    """Read ``mqtt://[user@]host[:port]``, ``mqtts://…``, ``embedded`` or ``none``.

    Raises:
        ValueError: It is none of these; the message says what is allowed.
    """
    if url == "embedded":
        return Broker("embedded")
    if url == "none":
        return Broker("none")
    allowed = "write mqtt://[user@]host[:port], mqtts://[user@]host[:port], embedded or none"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        message = f"not a broker's address ({error}); {allowed}"
        raise ValueError(message) from None
    if parts.scheme not in _DEFAULT_PORTS or not host or parts.path.strip("/") or parts.query or parts.fragment:
        message = f"not a broker's address; {allowed}"
        raise ValueError(message)
    if parts.password is not None:
        message = "a password does not belong into the address: put it into a file and name it in mqtt.password_file"
        raise ValueError(message)
    return Broker(
        "network",
        host=host,
        port=port or _DEFAULT_PORTS[parts.scheme],
        user=parts.username,
        tls=parts.scheme == "mqtts",
    )
