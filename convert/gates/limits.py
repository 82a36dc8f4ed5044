"""What the gates allow."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from typing import Any

_ROUNDING = 1e-6


def option(limit: str, needed: float) -> str:
    """Return the option of the command line that loosens a limit as far as a model needs it.

    Args:
        limit: The field's name in `Limits`.
        needed: What the model reaches.
    """
    if not math.isfinite(needed):
        return ""
    name = f"--{limit.replace('_', '-')}"
    if isinstance(getattr(Limits, limit), int):
        return f"{name} {needed:.0f}"
    step = 1e-5 if limit == "max_difference" else 0.01
    steps = math.floor(needed / step + _ROUNDING) if limit.startswith("min") else math.ceil(needed / step - _ROUNDING)
    return f"{name} {max(0.0, steps * step):.6g}"


def _limit(value: float, meaning: str) -> Any:
    return field(default=value, metadata={"help": meaning})


@dataclass(frozen=True)
class Limits:
    """What the gates allow. A looser value than these is written into the card."""

    max_difference: float = _limit(
        1e-3, "Largest difference of a probability between the float network and its source."
    )
    max_misread: float = _limit(2.0, "Points of accuracy that other labels or pixels may win.")
    min_order_p: float = _limit(
        0.01, "Probability by chance below which another order of the labels may not win, however few its points."
    )
    min_above_majority: float = _limit(
        5.0, "Points of accuracy above those of always answering the most frequent label."
    )
    max_drop: float = _limit(0.5, "Points of accuracy that int8 may lose.")
    min_agreement: float = _limit(97.0, "Percent of faces that int8 and float answer alike.")
    max_recall_drop: float = _limit(3.0, "Points of recall that a label with 100 faces or more may lose.")
    max_face_drift: float = _limit(2.0, "Points by which int8 may move face scores, on average.")
    min_face_auc: float = _limit(0.9, "Area under the ROC curve of the face scores of faces against those of clutter.")
    max_bytes: int = _limit(8_000_000, "Size of the file; a Pi Zero 2 W has 512 MB for everything.")
    max_macs: int = _limit(600_000_000, "Multiply-accumulates of a face.")
    max_arena: int = _limit(8_000_000, "Bytes of activations.")

    def tightened(self) -> Limits:
        """Return these limits, each no looser than the project's own."""
        own = Limits()
        return replace(self, **{name: getattr(own, name) for name in self.loosened()})

    def loosened(self) -> dict[str, float]:
        """Return the limits that are looser than the project's own."""
        own = Limits()
        found = {}
        for limit in fields(self):
            ours, theirs = getattr(own, limit.name), getattr(self, limit.name)
            if theirs < ours if limit.name.startswith("min") else theirs > ours:
                found[limit.name] = theirs
        return found
