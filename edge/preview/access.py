"""Who may look: whoever has the token, or without one this machine alone, and no web page of somebody else's."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from email.message import Message


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused."""

    status: HTTPStatus
    sentence: str


_FOREIGN = Refusal(HTTPStatus.FORBIDDEN, "The preview is shown to its own page only.")
_NAME = Refusal(
    HTTPStatus.MISDIRECTED_REQUEST,
    "Without a token the preview is at 127.0.0.1 or localhost only; another name may be a trick of a web page.",
)
_MISSING = Refusal(HTTPStatus.UNAUTHORIZED, "The preview asks for its token.")
_WRONG = Refusal(HTTPStatus.UNAUTHORIZED, "This is not the preview's token.")


@dataclass(frozen=True)
class Access:
    """Decides about requests."""

    token: str | None
    """None: none is asked for, because this machine alone can connect."""

    def refusal(self, headers: Message[str, str], *, picture: bool) -> Refusal | None:
        """Return why a request is refused; None if it is not.

        Args:
            headers: The request's.
            picture: Whether it asks for what the camera sees, not only for the page.
        """
        if self.token is None and not _is_local(headers.get("Host") or ""):
            return _NAME  # DNS rebinding: a foreign name that leads to 127.0.0.1 makes a foreign page one of ours
        if not picture:
            return None
        if headers.get("Sec-Fetch-Site") not in (None, "same-origin", "none"):
            return _FOREIGN
        if self.token is None:
            return None
        scheme, _, shown = (headers.get("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not shown:
            return _MISSING
        return None if hmac.compare_digest(shown.encode(), self.token.encode()) else _WRONG


def _is_local(host: str) -> bool:
    """Return whether a ``Host`` header names the loopback interface, with whatever port: a tunnel may have another."""
    try:
        name = urlsplit(f"//{host}").hostname
        return name == "localhost" or ipaddress.ip_address(name or "").is_loopback
    except ValueError:
        return False
