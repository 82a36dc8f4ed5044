"""What of all devices' events arrived: once, twice, late or never."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Heard:
    """What arrived of one session."""

    count: int = 0
    sequences: set[int] = field(default_factory=set)
    newest: int = -1
    disordered: int = 0
    """Events that came for the first time after a later one."""


class Tally:
    """Counts events by device, session and sequence. Safe to use from several threads."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str], Heard] = {}
        self._lock = threading.Lock()
        self._newest_s = time.monotonic()
        self._silence_s = 0.0

    def hear(self, payload: bytes | bytearray) -> None:
        """Take in the payload of one event."""
        event = json.loads(payload)
        with self._lock:
            now_s = time.monotonic()
            self._silence_s, self._newest_s = max(self._silence_s, now_s - self._newest_s), now_s
            heard = self._sessions.setdefault((event["device"], event["session"]), Heard())
            heard.count += 1
            sequence = event["sequence"]
            if sequence not in heard.sequences:
                heard.sequences.add(sequence)
                heard.disordered += sequence < heard.newest
                heard.newest = max(heard.newest, sequence)

    def lost(self, made: dict[tuple[str, str], int]) -> int:
        """Count the events that were made and never arrived."""
        with self._lock:
            return sum(
                len(set(range(count)) - self._sessions.get(session, Heard()).sequences)
                for session, count in made.items()
            )

    def take_silence_s(self) -> float:
        """Return the longest time between two arrivals since the last call."""
        with self._lock:
            longest_s, self._silence_s = self._silence_s, 0.0
        return longest_s

    @property
    def events(self) -> int:
        """Events that arrived, each counted once."""
        with self._lock:
            return sum(len(heard.sequences) for heard in self._sessions.values())

    @property
    def duplicated(self) -> int:
        """Arrivals of an event that had arrived."""
        with self._lock:
            return sum(heard.count - len(heard.sequences) for heard in self._sessions.values())

    @property
    def disordered(self) -> int:
        """Events that came for the first time after a later one of their session."""
        with self._lock:
            return sum(heard.disordered for heard in self._sessions.values())
