"""Count events, and those that never came, by their sequence numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

_SESSIONS = 16
"""Sessions of a device that are remembered. A device repeats events of the session before at most."""


@dataclass
class LossCounter:
    """Counts one device's events by session and sequence.

    Within a session events come in order: a skipped number is lost. Most of an old session's come before the new one's:
    those that do not count as lost until they come after all. A repeated event is recognised by its session and
    sequence.
    """

    received: int = 0
    lost: int = 0
    """Sequence numbers that were skipped while we were subscribed."""

    _newest: dict[str, int] = field(default_factory=dict)
    """The newest sequence of each session."""

    _ends: dict[str, int] = field(default_factory=dict)
    """The last sequence of ended sessions, as the `Info` of their successors says."""

    _tails: dict[str, int] = field(default_factory=dict)
    """The last sequence of those sessions whose missing last events count as lost."""

    def session_ended(self, session: str, last: int) -> None:
        """Note the last sequence of an ended session. Its last events may still be in transit."""
        if session in self._newest:
            self._ends[session] = last

    def count(self, session: str, sequence: int) -> int | None:
        """Count an event.

        Returns:
            How many were lost right before it; None for a repeated one.
        """
        lost, before = 0, self._newest.get(session)
        if before is None:
            # ULIDs sort by time: the newest session began while we were subscribed, so its events count from 0.
            begins = bool(self._newest) and session > max(self._newest)
            before = -1 if begins else sequence - 1
            lost = self._lose_tails() if begins else 0
        if sequence <= before:
            return None
        self._newest[session] = sequence
        while len(self._newest) > _SESSIONS:
            oldest = min(self._newest)
            del self._newest[oldest]
            self._tails.pop(oldest, None)
        self.received += 1
        if sequence <= self._tails.get(session, -1):
            self.lost -= 1
            return 0
        lost += sequence - before - 1
        self.lost += lost
        return lost

    def _lose_tails(self) -> int:
        """Count the missing last events of ended sessions as lost; return how many."""
        tails = [(session, last) for session, last in self._ends.items() if last > self._newest.get(session, last)]
        self._tails.update(tails)
        self._ends.clear()
        return sum(last - self._newest[session] for session, last in tails)
