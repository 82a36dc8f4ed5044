"""Broker addresses, as a user writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class Broker:
    """Where to publish."""

    kind: Literal["network", "embedded", "none"]
    """A broker on the network, one beside the daemon, or no publishing at all."""

    host: str = "127.0.0.1"
    port: int = 1883
    user: str | None = None
    """With its percent-escapes decoded."""

    tls: bool = False

    def __str__(self) -> str:
        """Return the address without the user."""
        if self.kind != "network":
            return self.kind
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_broker(url: str) -> Broker:
    """Return what ``mqtt://[user@]host[:port]``, ``mqtts://…``, ``embedded`` or ``none`` says.

    The user's ``: # ? @ / %`` are written as percent-escapes (RFC 3986, section 2.1).

    Raises:
        ValueError: It is none of these. The message says what is allowed, and repeats nothing of the address, which
            may hold a password.
    """
    if url == "embedded":
        return Broker("embedded")
    if url == "none":
        return Broker("none")
    try:
        parts = urlsplit(url)
        host, port, user, password = parts.hostname, parts.port, parts.username, parts.password
    except ValueError:
        raise ValueError(_refusal("")) from None
    if parts.scheme not in _DEFAULT_PORTS or not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(_refusal(""))
    if password is not None:
        message = "a password does not belong into the address: put it into a file and name it in mqtt.password_file"
        raise ValueError(message)
    if port == 0:
        raise ValueError(_refusal(" (there is no port 0)"))
    return Broker(
        "network",
        host=host,
        port=port or _DEFAULT_PORTS[parts.scheme],
        user=unquote(user) if user else None,
        tls=parts.scheme == "mqtts",
    )


def _refusal(why: str) -> str:
    return (
        f"not a broker's address{why}; write mqtt://[user@]host[:port], mqtts://[user@]host[:port], embedded or none, "
        "and : # ? @ / % within the user as %3A %23 %3F %40 %2F %25"
    )
