"""The card for a person: one Markdown page and its picture."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from convert import plots
from convert.errors import ModelError
from edge.text import first_line
from train.evaluate.views import MEAN_OF_VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.inference.card import Card


def make(card: Card, picture_name: str) -> tuple[str, bytes]:
    """Return the page, and its picture, which lies beside it.

    Raises:
        ModelError: The card lacks what a page shows: it is a valid one, but not written by `convert`.
    """
    try:
        return _markdown(card, picture_name), _picture(card)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        message = (
            f"{card.name}: its card does not have what a page shows ({first_line(error)}); "
            "only of the cards that 'python -m convert' writes is a page made"
        )
        raise ModelError(message) from error


def _picture(card: Card) -> bytes:
    """Draw the validation's confusion matrices, float and int8, and the reliability diagram; a PNG."""
    validation = card.metrics["validation"]
    titles = {"float": "Float"} | {runtime: f"Int8 in {runtime}" for runtime in validation["int8"]}
    matrices = {title: validation["evaluation"][key]["confusion"] for key, title in titles.items()}
    return plots.conversion(matrices, validation["evaluation"]["float"]["labels"], validation["reliability"])


def _markdown(card: Card, picture_name: str) -> str:
    return "\n".join(
        [
            *_head(card),
            "",
            *_accuracy(card, picture_name),
            "",
            *_gates(card),
            "",
            *_recall(card),
            "",
            *_layers(card),
            "",
        ]
    )


def _head(card: Card) -> Iterator[str]:
    yield f"# {card.name} {card.version}"
    yield ""
    told = {key: value for key, value in card.trained.items() if value}
    yield from (f"- {key}: {value}" for key, value in told.items())
    yield f"- labels: {', '.join(card.labels)}"
    yield (
        f"- input: {card.input.width}x{card.input.height} gray; {card.bytes:,} bytes, "
        f"{card.macs:,} multiply-accumulates, {card.parameters:,} parameters, "
        f"{_extra(card, 'arena'):,} bytes of activations"
    )
    quantisation = _extra(card, "quantisation")
    yield (
        f"- int8 by {quantisation['way']} over the {quantisation['representative_faces']} pictures of the "
        f"representative set (seed {quantisation['seed']})"
    )
    for tried in quantisation["tried_before"]:
        yield f"- tried before: {tried['way']}: {'; '.join(tried['failed'])}"
    for limit, value in quantisation["loosened"].items():
        yield f"- **loosened**: {limit.replace('_', ' ')} {value:g}"
    calibration = card.metrics["validation"]["calibration_error"]
    yield (
        f"- temperature {card.calibration.temperature:.2f}, balance {card.calibration.balance:.2f}, uncertain below "
        f"{card.calibration.min_confidence:.2f}; calibration error {calibration['before']:.3f} without "
        f"temperature and balance, {calibration['after']:.3f} with both; chosen and measured on the same validation "
        "faces, by the mean of four views"
    )


def _accuracy(card: Card, picture_name: str) -> Iterator[str]:
    runtimes = list(card.metrics["validation"]["int8"])
    yield f"| faces | n | float | {' | '.join(f'int8, {runtime}' for runtime in runtimes)} |"
    yield f"|---|---:|---:|{'---:|' * len(runtimes)}"
    for name, found in card.metrics.items():
        title = f"PublicTest, {found['protocol']} (decides)" if name == "validation" else f"PrivateTest, {name}"
        int8 = " | ".join(f"{found['int8'][runtime]:.2%}" for runtime in runtimes)
        yield f"| {title} | {found['n']:,} | {found['float']:.2%} | {int8} |"
        if views := found.get("four_views"):  # cards of older versions have none
            cells = " | ".join(f"{views[runtime]:.2%}" if runtime in views else "-" for runtime in runtimes)
            yield f"| {title}: {MEAN_OF_VIEWS} | {found['n']:,} | - | {cells} |"
    yield ""
    yield f"![Confusion matrices and reliability]({quote(os.fsencode(picture_name))})"


def _gates(card: Card) -> Iterator[str]:
    yield "| gate | measured | limit | holds |"
    yield "|---|---:|---:|---|"
    for gate in _extra(card, "gates"):
        yield f"| {gate['gate']} | {gate['measured']} | {gate['limit']} | {'yes' if gate['holds'] else '**no**'} |"
    yield ""
    for pair, part in card.metrics["validation"]["agreement"].items():
        yield f"- same top class, {pair}: {part:.2%}"


def _recall(card: Card) -> Iterator[str]:
    networks = card.metrics["validation"]["evaluation"]
    yield f"| PublicTest | faces | {' | '.join(networks)} |"
    yield f"|---|---:|{'---:|' * len(networks)}"
    low_high = (found["interval"] for found in networks.values())
    yield f"| accuracy, 95 % | | {' | '.join(f'{low:.1%} to {high:.1%}' for low, high in low_high)} |"
    scores = (found["macro_f1"] for found in networks.values())
    yield f"| macro-F1 | | {' | '.join(f'{score:.3f}' for score in scores)} |"
    for label, float_recall in networks["float"]["recall"].items():
        recalls = (found["recall"][label]["recall"] for found in networks.values())
        shown = " | ".join("-" if recall is None else f"{recall:.2f}" for recall in recalls)
        yield f"| recall of {label} | {float_recall['n']} | {shown} |"


def _layers(card: Card) -> Iterator[str]:
    yield "The layers, and the signal-to-noise ratio of what each gives in int8 beside float, earlier errors included:"
    yield ""
    yield "| | operator | name | output | MACs | parameters | SNR, dB |"
    yield "|---:|---|---|---|---:|---:|---:|"
    for number, layer in enumerate(_extra(card, "layers"), start=1):
        snr = "-" if layer["snr_db"] is None else f"{layer['snr_db']:.1f}"
        shape = "x".join(map(str, layer["output"]))
        yield (
            f"| {number} | {layer['operator']} | {layer['name']} | {shape} | {layer['macs']:,} "
            f"| {layer['parameters']:,} | {snr} |"
        )


def _extra(card: Card, key: str) -> Any:
    return (card.model_extra or {})[key]
