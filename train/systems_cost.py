"""What each system costs, and what its bundle is worth: the rows of a table on the systems' page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from train.systems import System

_NONE = "-"


def cost_row(system: System) -> str:
    """Return a system's row of the table of costs."""
    size, accuracy = _NONE, _NONE
    for card in (system.bundles or {}).values():
        size = f"{int(str(card['bytes'])) / 1e6:.2f} MB"
        found = _int8(card)
        accuracy = found if accuracy == _NONE else f"{accuracy}, {found}"
    network = system.recipe.network
    side = "478 landmarks" if network.landmarks else f"{network.size} px"
    if network.landmarks or system.recipe.data.tracks:
        size = f"refused: no {'pixels' if network.landmarks else 'single picture'}"
    return (
        f"| `{system.recipe.name}` | {side} | {system.parameters:,} | {system.macs / 1e6:,.0f} million "
        f"| {size} | {accuracy} |"
    )


def _int8(card: Mapping[str, object]) -> str:
    """Return the accuracy of a bundle in the first runtime, by the protocol of its own labels."""
    metrics = TypeAdapter(dict[str, dict[str, object]]).validate_python(card["metrics"])
    own = "ferplus_majority" if "contempt" in TypeAdapter(list[str]).validate_python(card["labels"]) else "fer2013"
    figures = TypeAdapter(dict[str, float]).validate_python(metrics[own]["int8"])
    name = "FER+" if own == "ferplus_majority" else "FER2013"
    return f"{next(iter(figures.values())):.2%} {name}"
