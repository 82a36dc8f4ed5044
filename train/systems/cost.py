"""What each system costs, and what `convert` says of it: two tables on the systems' page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from train.datasets import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.inference.card import Card
    from train.systems import System

_NONE = "-"


def cost_row(system: System) -> str:
    """Return a system's row of the table of costs."""
    network, measured = system.recipe.network, system.measured
    taken = "478 landmarks" if network.landmarks else f"{network.size} px"
    size, accuracy = _int8(system)
    cells = [
        taken,
        f"{system.parameters:,}",
        f"{system.macs / 1e6:,.0f} million",
        _megabytes(measured.float_bytes),
        _milliseconds(measured.float_ms),
        size,
        _milliseconds(measured.int8.ms if measured.int8 else None),
        accuracy,
    ]
    return f"| `{system.recipe.name}` | {' | '.join(cells)} |"


def conversion_row(system: System) -> str:
    """Return a system's row of the table of what `convert` says."""
    measured = system.measured
    if system.bundles or measured.int8:
        looser = sorted({said for card in system.bundles.values() for said in _loosened(card)})
        said = f"passes, with {', '.join(looser)}" if looser else "passes every gate"
    elif measured.refused:
        said = f"refused: {measured.refused}"
    elif system.reports:
        said = "not tried yet"
    else:
        said = "not tried: it is not trained to its end, and the gates look at its answers"
    return f"| `{system.recipe.name}` | {said} |"


def _loosened(card: Card) -> Iterator[str]:
    """Yield the limits that are looser than the project's own, as a card has them."""
    for limit, value in card.model_dump().get("quantisation", {}).get("loosened", {}).items():
        yield f"{limit.replace('_', ' ')} {value:g}"


def _int8(system: System) -> tuple[str, str]:
    """Return size and accuracy of a system's bundles: of the cards that are at hand, or as they were measured."""
    if system.bundles:
        cards = system.bundles.values()
        return _megabytes(next(iter(cards)).bytes), ", ".join(accuracy for card in cards for accuracy in _of_card(card))
    if bundle := system.measured.int8:
        return _megabytes(bundle.bytes), ", ".join(_percent(name, value) for name, value in bundle.accuracy.items())
    return _NONE, _NONE


def _of_card(card: Card) -> Iterator[str]:
    """Yield the accuracy of a bundle in the first runtime, by the protocol of its own labels."""
    yield from (_percent(name, value) for name, value in own_accuracy(card).items())


def own_accuracy(card: Card) -> dict[str, float]:
    """Return the accuracy on PrivateTest that a card has of its own labels in the first runtime, by their data set.

    Raises:
        DataError: It has none.
    """
    try:
        own = "fer2013" if card.metrics["validation"]["protocol"] == "fer2013" else "ferplus_majority"
    except (KeyError, TypeError):
        own = "ferplus_majority" if "contempt" in card.labels else "fer2013"  # a card of an older version
    try:
        figures = TypeAdapter(dict[str, float]).validate_python(card.metrics[own]["int8"])
        return {"FER+" if own == "ferplus_majority" else "FER2013": next(iter(figures.values()))}
    except (ValidationError, KeyError, TypeError, StopIteration):
        message = f"the card of {card.name} has no metrics.{own}.int8; 'convert' writes it"
        raise DataError(message) from None


def _percent(name: str, accuracy: float) -> str:
    return f"{accuracy:.2%} {name}"


def _megabytes(size: int | None) -> str:
    return f"{size / 1e6:.2f} MB" if size else _NONE


def _milliseconds(taken: float | None) -> str:
    return f"{taken:.2f}" if taken else _NONE
