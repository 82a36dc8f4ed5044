"""Counting events, and those that never came."""

from __future__ import annotations

from dataclasses import dataclass, field

_SESSIONS = 16
"""Sessions of a device that are remembered; the contract repeats events of the last one before at most."""


@dataclass
class Sequences:
    """One device's events by session and sequence.

    Within a session events come in order, and an old session's before the new one's, so what was passed over will
    not come any more. An event that comes again is known by its session and sequence.
    """

    heard: int = 0
    lost: int = 0
    """Sequence numbers that were passed over while we listened."""

    _newest: dict[str, int] = field(default_factory=dict)
    """The newest sequence of each session."""

    _ends: dict[str, int] = field(default_factory=dict)
    """The last sequence of sessions that are over, as their successors tell."""

    def ended(self, session: str, last: int) -> None:
        """Take in how a session ended. Its last events may still be on their way."""
        if session in self._newest:
            self._ends[session] = last

    def count(self, session: str, sequence: int) -> int | None:
        """Take in an event.

        Returns:
            How many were lost right before it; None where it was heard already.
        """
        lost, before = 0, self._newest.get(session)
        if before is None:
            # A ULID sorts by time. Of a session that began while we listened we heard the beginning, or lost it.
            begins = bool(self._newest) and session > max(self._newest)
            before = -1 if begins else sequence - 1
            lost = self._tails() if begins else 0
        if sequence <= before:
            return None
        self._newest[session] = sequence
        while len(self._newest) > _SESSIONS:
            del self._newest[min(self._newest)]
        self.heard += 1
        lost += sequence - before - 1
        self.lost += lost
        return lost

    def _tails(self) -> int:
        """Give up on the last events of sessions that are over, for a new one's have come; gives how many."""
        tails = [(session, last) for session, last in self._ends.items() if last > self._newest.get(session, last)]
        lost = sum(last - self._newest[session] for session, last in tails)
        self._newest.update(tails)
        self._ends.clear()
        return lost
