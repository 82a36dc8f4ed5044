"""What a gate measured, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class GateResult:
    """What one gate measured, and whether it holds."""

    gate: str
    """Its name."""

    measured: str
    limit: str
    """Empty where the figure is only reported."""

    holds: bool
    sentence: str
    """What is wrong and by how much, or what was found; empty where the figure says all."""

    option: str = ""
    """The option of the command line with which the gate would hold, as in ``--min-agreement 96.4``; empty if none."""


def as_card(results: Sequence[GateResult]) -> list[dict[str, Any]]:
    """Return the gates as a card has them."""
    return [
        {"gate": result.gate, "measured": result.measured, "limit": result.limit, "holds": result.holds}
        for result in results
        if result.limit
    ]
