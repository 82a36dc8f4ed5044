"""What the fleet is played against, and how it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tests.broker import Mosquitto

if TYPE_CHECKING:
    from pathlib import Path

_OPTIONS = (
    "log_type none",  # a line for every message would be measured too
    "log_type error",
    "sys_interval 1",
    "max_queued_messages 0",  # what the consumer has not taken yet is kept, however much it is
    "max_inflight_messages 1000",
)


class Brokers(Protocol):
    """One broker or several, at one address."""

    @property
    def title(self) -> str: ...

    @property
    def goes_on(self) -> bool:
        """Whether devices can be back while a part of it is away."""
        ...

    @property
    def port(self) -> int: ...

    @property
    def url(self) -> str: ...

    def fail(self, number: int) -> None:
        """Take it away, or one part of it: another one with each number."""

    def recover(self) -> None:
        """Bring it back, and wait until it takes connections."""


class Lone(Mosquitto):
    """One mosquitto, that is stopped and started."""

    title = "one mosquitto"
    goes_on = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, persistence=True, options=_OPTIONS)

    def fail(self, _number: int) -> None:
        """Stop it."""
        self.stop()

    def recover(self) -> None:
        """Start it again."""
        self.start()
