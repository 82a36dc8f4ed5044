"""How patient the client is with a broker that is away."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """How patient the client is, in seconds."""

    first_s: float = 1.0
    """Before the first retry, of which a random half to whole is waited; each further one waits twice as long."""

    most_s: float = 60.0
    """The longest that a retry waits."""

    refused_s: float = 60.0
    """Between retries after a refusal: a person mends those, and brokers ban whoever knocks too often."""

    answer_s: float = 10.0
    """For the broker's answer to a connection."""

    settled_s: float = 10.0
    """A connection that lasted this long starts the retries anew. One that two devices fight over does not."""


def delay_s(failures: int, backoff: Backoff, share: float) -> float:
    """Give the wait before the next retry.

    Args:
        failures: Attempts that failed in a row, from 1.
        backoff: The bounds.
        share: From 0 to 1, at random, so that a hundred devices do not return in the same moment.
    """
    whole = min(backoff.most_s, backoff.first_s * 2.0 ** min(failures - 1, 30))
    return whole * (0.5 + share / 2)
