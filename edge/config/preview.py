"""The settings of the preview."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from edge.config.listen import DEFAULT_HOST, DEFAULT_PORT, ListenAddress, parse_listen
from edge.config.section import Section


def _text(value: object) -> object:
    """Return a port that is written as a number as text."""
    return str(value) if type(value) is int and 0 <= value <= 0xFFFF else value


def _check_address(address: str) -> str:
    return str(parse_listen(address))


class PreviewConfig(Section):
    """A page that shows what the camera sees, to aim it."""

    enabled: bool = False
    """Open the page when the daemon starts; it is the one way in which a picture leaves the process."""

    address: Annotated[str, BeforeValidator(_text), AfterValidator(_check_address)] = f"{DEFAULT_HOST}:{DEFAULT_PORT}"
    """ADDRESS:PORT. 127.0.0.1 is for this machine alone; 0.0.0.0 is for all who can reach it and have the token."""

    token_file: Path | None = None
    """File with the token that the page asks for, 16 characters or more on one line; empty: none is asked for on
    127.0.0.1, and for other addresses one is made, in preview.token in the state directory."""

    minutes: float = Field(default=10.0, gt=0, le=1440)
    """Minutes until the page closes by itself; a restart of the daemon opens it again."""

    @property
    def listen(self) -> ListenAddress:
        """Where `address` says that it listens."""
        return parse_listen(self.address)
