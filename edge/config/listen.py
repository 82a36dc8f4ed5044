"""Where the preview listens, as a user writes it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8090

_ALLOWED = "write ADDRESS:PORT, ADDRESS or PORT: 127.0.0.1:8090, 0.0.0.0:8090, [::1]:8090"

_FORM = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<host>[^:]*))(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True)
class ListenAddress:
    """An address of this machine, and a port."""

    host: str
    """An IPv4 or IPv6 address; an IPv6 address has no brackets here."""

    port: int
    """0: any that is free."""

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone can connect to it."""
        return ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        """Return it as `parse_listen` reads it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(text: str) -> ListenAddress:
    """Return what ``ADDRESS:PORT``, ``ADDRESS`` or ``PORT`` says.

    Names are refused but for ``localhost``: Debian gives the machine's own name to the loopback interface, and nobody
    else could connect.

    Raises:
        ValueError: It is none of these. The message says what is allowed.
    """
    if re.fullmatch("[0-9]{1,5}", text):
        text = f"{DEFAULT_HOST}:{text}"
    elif text.count(":") > 1 and not text.startswith("["):
        text = f"[{text}]"
    form = _FORM.fullmatch(text)
    host = (form["six"] if form["six"] is not None else form["host"]) if form else ""
    port = int(form["port"] or DEFAULT_PORT) if form else 0
    try:
        address = str(ipaddress.ip_address(DEFAULT_HOST if host == "localhost" else host))
    except ValueError:
        message = f"not an address to listen on; {_ALLOWED}"
        raise ValueError(message) from None
    if port > 0xFFFF:
        message = f"the port is not a number from 0 to 65535; {_ALLOWED}"
        raise ValueError(message)
    return ListenAddress(address, port)
