"""How long the client waits between two attempts to connect."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """The waits, in seconds."""

    first_s: float = 1.0
    """Before the first retry, of which a random half to whole is waited; each further one waits twice as long."""

    most_s: float = 60.0
    """The longest wait before a retry."""

    refused_s: float = 60.0
    """Between retries after a refusal: a person has to fix it, and brokers ban clients that retry too often."""

    answer_s: float = 10.0
    """For the broker's answer to a connection."""

    acknowledgement_s: float = 30.0
    """For the acknowledgement of a message: as the keep-alive. A cluster may lose one with a node, and go on."""

    settled_s: float = 10.0
    """A connection that lasted this long resets the backoff. A client-id conflict ends it sooner, and does not."""


def delay_s(failures: int, backoff: Backoff, share: float) -> float:
    """Return the seconds to wait before the next retry.

    Args:
        failures: Attempts that failed in a row, from 1.
        backoff: The bounds.
        share: From 0 to 1, at random, so that a hundred devices do not return in the same moment.
    """
    whole = min(backoff.most_s, backoff.first_s * 2.0 ** min(failures - 1, 30))
    return whole * (0.5 + share / 2)
