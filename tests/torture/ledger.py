"""What was made, what arrived, and whether that is what was promised."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PROMISED_S = 1.0
"""An event that is older survives everything."""


@dataclass(frozen=True)
class Made:
    """One event, noted by the process that made it before anything else happened to it."""

    session: str
    sequence: int
    made_s: float
    """On the machine's monotonic clock, which all its processes share."""

    digest: str
    """Of its payload."""

    def to_line(self) -> str:
        """Return the line of a ledger."""
        return f"{self.session} {self.sequence} {self.made_s:.6f} {self.digest}\n"

    @classmethod
    def from_line(cls, line: str) -> Made:
        """Read a line back."""
        session, sequence, made_s, digest = line.split()
        return cls(session, int(sequence), float(made_s), digest)


@dataclass(frozen=True)
class Life:
    """One life of the publishing process."""

    ledger: Path
    killed_s: float = math.inf
    """When, on the monotonic clock; infinity: it ended in good order."""

    def made(self) -> list[Made]:
        """Return its events, as it made them; the kill may have torn the last line."""
        text = self.ledger.read_text(encoding="utf-8")
        return [Made.from_line(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


@dataclass(frozen=True)
class Verdict:
    """What there is to say about a run."""

    made: int
    arrived: int
    """Different events."""

    duplicates: int
    lost: tuple[str, ...]
    """Events that were older than promised at the kill and never came, with their ages."""

    lost_young: int
    """The same, younger than promised: allowed."""

    oldest_lost_s: float
    """Age at the kill of the oldest event that was lost, allowed or not; 0 with none."""

    disordered: tuple[str, ...]
    """Events that came for the first time after a later one of their session."""

    strange: tuple[str, ...]
    """Messages that nobody made, or that are not what was made."""

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        return not (self.lost or self.disordered or self.strange)


def digest(payload: str) -> str:
    """Return what a payload is recognised by."""
    return hashlib.sha256(payload.encode()).hexdigest()[:16]


def judge(lives: Iterable[Life], payloads: Iterable[str]) -> Verdict:
    """Hold what arrived against what was made.

    Args:
        lives: Of the publishing process, in order.
        payloads: What the subscriber got, in order.
    """
    events = [(life, made) for life in lives for made in life.made()]
    expected = {(made.session, made.sequence): made for _, made in events}
    assert len(expected) == len(events), "the ledgers name an event twice"
    arrivals: Counter[tuple[str, int]] = Counter()
    first, strange = [], []
    for payload in payloads:
        message = json.loads(payload)
        key = message["session"], message["sequence"]
        if key not in expected or expected[key].digest != digest(payload):
            strange.append(f"{key}: {payload}")
            continue
        arrivals[key] += 1
        if arrivals[key] == 1:
            first.append(expected[key])
    newest: dict[str, int] = {}
    disordered = []
    for made in first:
        if made.sequence < newest.get(made.session, -1):
            disordered.append(f"{made.session} {made.sequence}")
        newest[made.session] = made.sequence
    missing = [
        (life.killed_s - made.made_s, made) for life, made in events if not arrivals[made.session, made.sequence]
    ]
    return Verdict(
        made=len(events),
        arrived=len(first),
        duplicates=arrivals.total() - len(first),
        lost=tuple(f"{made.session} {made.sequence}, {age:.3f} s old" for age, made in missing if age > PROMISED_S),
        lost_young=sum(age <= PROMISED_S for age, _ in missing),
        oldest_lost_s=max((age for age, _ in missing), default=0.0),
        disordered=tuple(disordered),
        strange=tuple(strange),
    )
