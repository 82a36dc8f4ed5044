"""What a daemon made in each of its lives, as its standard output said at once, held against what arrived."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.broker import Subscriber, wait_until
from tests.torture.ledger import Life, Made, Verdict, digest, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Line:
    """What a daemon wrote, and when."""

    at_s: float
    """On this machine's monotonic clock."""

    text: str


@dataclass(frozen=True)
class Span:
    """From when to when a life lasted, on the same clock."""

    begun_s: float
    ended_s: float


@dataclass(frozen=True)
class Witness:
    """Somebody at the broker who tells one life of a device from the one before."""

    subscriber: Subscriber
    topic: str
    """Of the device."""

    patience_s: float = 60.0

    def events(self) -> list[str]:
        """Return the events that arrived."""
        return self.subscriber.payloads(f"{self.topic}/event")

    def states(self) -> list[str]:
        """Return what came of the privacy switch."""
        return self.subscriber.payloads(f"{self.topic}/detection/state")

    def sessions(self) -> set[str]:
        """Return the lives that were announced."""
        return {json.loads(payload)["session"] for payload in self.subscriber.payloads(f"{self.topic}/info")}

    def wait_for_a_new_session(self) -> None:
        """Wait for another life than those so far; what the broker retains is of an older one."""
        known = self.sessions()
        wait_until(lambda: self.sessions() > known, self.patience_s)

    def tell(self, choice: str) -> None:
        """Switch detection, and wait for the confirmation."""
        before = len(self.states())
        self.subscriber.publish(f"{self.topic}/detection/set", choice)
        wait_until(lambda: choice in self.states()[before:], self.patience_s)


def judged(spans: Sequence[Span], lines: Iterable[Line], payloads: Iterable[str]) -> Verdict:
    """Hold the events that arrived against those that were printed.

    An event goes to the broker before it is printed, so that a cut may come between: what arrived of a session after
    all that it printed was made too.

    Args:
        spans: The lives, in order; the last may end at infinity.
        lines: What all of them wrote; lines that are no event are left out.
        payloads: What a subscriber got, in order.
    """
    payloads = list(payloads)
    events = [line for line in list(lines) if line.text.startswith("{") and line.text.endswith("}")]
    printed = [_made(line.text, line.at_s) for line in events]
    with tempfile.TemporaryDirectory() as folder:
        lives = []
        for number, span in enumerate(spans):
            later = spans[number + 1].begun_s if number + 1 < len(spans) else float("inf")
            made = [each for each in printed if span.begun_s <= each.made_s < later]
            lives.append(Life(_ledger(Path(folder) / str(number), made), span.ended_s))
        lives.append(Life(_ledger(Path(folder) / "unprinted", _unprinted(printed, payloads))))
        return judge(lives, payloads)


def _ledger(file: Path, made: Iterable[Made]) -> Path:
    file.write_text("".join(each.to_line() for each in made), encoding="utf-8")
    return file


def _unprinted(printed: Iterable[Made], payloads: Iterable[str]) -> list[Made]:
    """Return what arrived of each session after the last event that it printed."""
    newest: dict[str, int] = {}
    for one in printed:
        newest[one.session] = max(one.sequence, newest.get(one.session, -1))
    arrived = [_made(payload, 0.0) for payload in payloads]
    late = {(one.session, one.sequence): one for one in arrived if one.sequence > newest.get(one.session, -1)}
    return list(late.values())


def _made(payload: str, made_s: float) -> Made:
    event = json.loads(payload)
    return Made(event["session"], event["sequence"], made_s, digest(payload))
