"""Broker addresses, as a user writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from edge.wire.characters import MOST_BYTES, forbidden_character

_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}

_ALLOWED = "write mqtt://[user@]host[:port], mqtts://[user@]host[:port], embedded or none"


@dataclass(frozen=True)
class Broker:
    """Where to publish."""

    kind: Literal["network", "embedded", "none"]
    """A broker on the network, one beside the daemon, or no publishing at all."""

    host: str = "127.0.0.1"
    """A name or an address; an IPv6 address has no brackets here."""

    port: int = 1883
    user: str | None = None
    """As the broker knows it: percent-encoding is decoded."""

    tls: bool = False

    def __str__(self) -> str:
        """Return the address without the user, an IPv6 address in brackets."""
        if self.kind != "network":
            return self.kind
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_broker(url: str) -> Broker:
    """Return what ``mqtt://[user@]host[:port]``, ``mqtts://…``, ``embedded`` or ``none`` says.

    In the user, characters that mean something in an address are percent-encoded (RFC 3986): ``me%40home.org``.

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
        host = parts.hostname
    except ValueError:
        message = f"not a broker's address; {_ALLOWED}"
        raise ValueError(message) from None
    if parts.scheme not in _DEFAULT_PORTS or not host or parts.path.strip("/") or parts.query or parts.fragment:
        hint = "; in the user, write %2F for '/', %3F for '?' and %23 for '#'" if "@" in url else ""
        message = f"not a broker's address; {_ALLOWED}{hint}"
        raise ValueError(message)
    if parts.password is not None:
        message = (
            "a password does not belong into the address: put it into a file and name it in mqtt.password_file "
            "(if the user has a ':', write %3A for it)"
        )
        raise ValueError(message)
    return Broker(
        "network",
        host=_host(host),
        port=_port(parts.netloc) or _DEFAULT_PORTS[parts.scheme],
        user=_user(parts.username),
        tls=parts.scheme == "mqtts",
    )


def _host(written: str) -> str:
    """Return the host's name or address as the system looks it up."""
    host = written.replace("%25", "%")  # the zone of an IPv6 address (RFC 6874)
    try:
        host.encode("idna")
    except UnicodeError:
        message = f"the host's name cannot be one: between its dots are 1 to 63 letters, digits and '-'; {_ALLOWED}"
        raise ValueError(message) from None
    return host


def _port(netloc: str) -> int | None:
    """Return the port behind the host; None where there is none."""
    # Behind the last colon, unless that is one within the brackets of an IPv6 address.
    digits = netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    if not digits:
        return None
    if digits.isascii() and digits.isdecimal() and len(digits) <= 5 and 1 <= int(digits) <= 65_535:
        return int(digits)
    message = f"the port is not a number from 1 to 65535; {_ALLOWED}; an IPv6 address goes into brackets"
    raise ValueError(message)


def _user(encoded: str | None) -> str | None:
    """Return the user with percent-encoding decoded; None where there is none."""
    if not encoded:
        return None
    try:
        user = unquote(encoded, errors="strict")
    except UnicodeDecodeError:
        message = "the percent-encoded user in the address is not UTF-8 text; write %C3%BC for an ü"
        raise ValueError(message) from None
    if character := forbidden_character(user):
        message = f"the user in the address has a character that MQTT does not allow: {character}"
        raise ValueError(message)
    if len(user.encode()) > MOST_BYTES:
        message = f"the user in the address is longer than MQTT allows ({MOST_BYTES} bytes)"
        raise ValueError(message)
    return user


def with_user(url: str, user: str) -> str:
    """Return a broker's address with this user instead of the one that it may have.

    Raises:
        ValueError: It is no address of a broker on the network.
    """
    if parse_broker(url).kind != "network":
        message = f"{url}: this broker takes no user; write mqtt://host"
        raise ValueError(message)
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(user, safe='')}@{rest.rpartition('@')[2]}"
