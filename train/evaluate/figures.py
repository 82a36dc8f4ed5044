"""Figures of bundles as Markdown, for the model card in docs/models.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from train.datasets import DataError
from train.evaluate.balance import adjust
from train.evaluate.metrics import wilson_interval
from train.evaluate.protocols import evaluate_all, own_protocol
from train.evaluate.views import MEAN_OF_VIEWS, evaluate_views

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from edge.inference.card import Card
    from train.datasets import Faces, LabelProtocol, Split
    from train.evaluate.metrics import Logits, Metrics
    from train.evaluate.models import OpenedModel

_BEGIN = "<!-- figures of {name}, sha256 {sha256}, written by 'make cards' -->"
_END = "<!-- end of figures -->"
_PLACE = re.compile(r"<!-- figures of ([^\s,]+),.*?" + _END, re.DOTALL)

_ALL, _BALANCE = "all", "balance"
"""The names of the places of the tables of all bundles."""

_CARDS = ", the card's"
_RARE = "disgust", "fear", "contempt"

Found = tuple["Metrics", "Metrics"]
"""Of one forward pass, and of the mean over the views."""


@dataclass(frozen=True)
class CardFigures:
    """What was measured of a bundle on PrivateTest."""

    card: Card
    found: Mapping[str, Found]
    """By protocol, its own first; the last is its own without the pictures that are in Training too."""

    balanced: Found
    """By its own labels, with the card's balance."""

    @property
    def own(self) -> Found:
        """By its own labels."""
        return next(iter(self.found.values()))


def measure(
    card: Card, model: OpenedModel, tests: Mapping[tuple[Split, LabelProtocol], Faces], training: NDArray[np.uint8]
) -> CardFigures:
    """Return the figures of a bundle.

    Args:
        card: Its card.
        model: The same bundle.
        tests: The faces of PrivateTest by protocol.
        training: ``(N, 48, 48)`` training pictures, some of which are test pictures too.
    """
    own = own_protocol(model.labels)
    faces = tests["PrivateTest", own]
    seen = {picture.tobytes() for picture in training}
    others = faces.select(np.array([picture.tobytes() not in seen for picture in faces.pixels]))
    found = _evaluated(model.logits, model.labels, tests)
    last = _evaluated(model.logits, model.labels, {("PrivateTest", own): others})
    balanced = adjust(model.logits, model.labels, model.priors, model.balance)
    return CardFigures(
        card,
        {own: found[own]} | found | {f"{own}, without pictures of Training": last[own]},
        _evaluated(balanced, model.labels, {("PrivateTest", own): faces})[own],
    )


def _evaluated(
    logits: Logits, labels: Sequence[str], tests: Mapping[tuple[Split, LabelProtocol], Faces]
) -> dict[str, Found]:
    one, four = (run(logits, labels, tests)["PrivateTest"] for run in (evaluate_all, evaluate_views))
    return {protocol: (one[protocol], four[protocol]) for protocol in one}


def replaced(page: str, measured: Sequence[CardFigures]) -> str:
    """Return a page with the figures of these bundles, and the tables of all, in the places of the old ones.

    Raises:
        DataError: The page has no place for one, or has figures of one more, which tables of all would lose.
    """
    measured = sorted(measured, key=lambda each: each.card.name)
    if lost := sorted(shown(page).keys() - {each.card.name for each in measured}):
        message = f"the page has figures of {', '.join(lost)} too: name all of its bundles"
        raise DataError(message)
    blocks = {each.card.name: _block(each.card.name, each.card.sha256, _figures(each)) for each in measured}
    everyone = "-".join(each.card.sha256[:8] for each in measured)
    blocks |= {_ALL: _block(_ALL, everyone, _table(measured)), _BALANCE: _block(_BALANCE, everyone, _balance(measured))}
    if missing := sorted(blocks.keys() - {place.group(1) for place in _PLACE.finditer(page)}):
        place = f"<!-- figures of {missing[0]}, -->{_END}"
        message = f"the page has no place for {missing[0]}: write {place} there"
        raise DataError(message)
    return _PLACE.sub(lambda place: blocks.get(place.group(1), place.group(0)), page)


def shown(page: str) -> dict[str, str]:
    """Return the SHA-256 of the network that each bundle's figures on a page are of."""
    found = re.findall(r"<!-- figures of ([^\s,]+), sha256 (\S+), ", page)
    return {name: sha256 for name, sha256 in found if name not in {_ALL, _BALANCE}}


def _block(name: str, sha256: str, lines: Iterable[str]) -> str:
    return "\n".join([_BEGIN.format(name=name, sha256=sha256), "", *lines, "", _END])


def _table(measured: Iterable[CardFigures]) -> Iterator[str]:
    yield "| bundle | emotions | MACs | parameters | bytes | faces | accuracy, one view | four views |"
    yield f"|---|{'---:|' * 7}"
    for each in measured:
        card, (one, four) = each.card, each.own
        accuracies = " | ".join(f"{m.accuracy:.2%} ({_interval(m.interval)})" for m in (one, four))
        costs = f"{card.macs:,} | {card.parameters:,} | {card.bytes:,}"
        yield f"| `{card.name}` | {len(card.labels)} | {costs} | {one.n:,} | {accuracies} |"


def _balance(measured: Iterable[CardFigures]) -> Iterator[str]:
    rare = f"recall, four views: {', '.join(_RARE)}"
    yield f"| bundle | τ | accuracy: one view, four | macro-recall | macro-F1 | {rare} |"
    yield "|---|---:|---:|---:|---:|---:|"
    for each in measured:
        for tau, both in ((0.0, each.own), (each.card.calibration.balance, each.balanced)):
            cells = [
                ", ".join(f"{m.accuracy:.2%}" for m in both),
                ", ".join(f"{m.macro_recall:.3f}" for m in both),
                ", ".join(f"{m.macro_f1:.3f}" for m in both),
                ", ".join(_recall(both[1], label) for label in _RARE),
            ]
            yield f"| `{each.card.name}` | {tau:g}{_CARDS if tau else ''} | {' | '.join(cells)} |"


def _recall(metrics: Metrics, label: str) -> str:
    found = metrics.recall.get(label)
    return "-" if found is None or found.recall is None else f"{found.recall:.2f}"


def _figures(each: CardFigures) -> Iterator[str]:
    yield from _accuracies(each.found)
    yield ""
    yield from _by_emotion(each.own)
    if each.own[0].by_agreement:
        yield ""
        yield from _by_agreement(each.own)


def _accuracies(found: Mapping[str, Found]) -> Iterator[str]:
    yield "| PrivateTest | faces | views | accuracy | 95 % | macro-recall | macro-F1 | calibration error |"
    yield f"|---|{'---:|' * 7}"
    for protocol, both in found.items():
        for views, m in zip(("one", "four"), both, strict=True):
            recall = "-" if m.macro_recall is None else f"{m.macro_recall:.3f}"
            yield (
                f"| {protocol} | {m.n:,} | {views} | {m.accuracy:.2%} | {_interval(m.interval)} "
                f"| {recall} | {m.macro_f1:.3f} | {m.calibration_error:.3f} |"
            )


def _by_emotion(both: Found) -> Iterator[str]:
    one, four = both
    yield f"| emotion | faces | recall, one view | 95 % | recall, {MEAN_OF_VIEWS} | 95 % |"
    yield f"|---|{'---:|' * 5}"
    for place, label in enumerate(one.labels):
        if n := one.recall[label].n:
            yield f"| {label} | {n:,} | {' | '.join(_part(m.confusion[place][place], n) for m in (one, four))} |"


def _by_agreement(both: Found) -> Iterator[str]:
    one, four = both
    yield "| annotators of ten who agree | faces | accuracy, one view | 95 % | four views | 95 % |"
    yield f"|---|{'---:|' * 5}"
    for name, group in one.by_agreement.items():
        cells = (f"{g.accuracy:.1%} | {_interval(g.interval)}" for g in (group, four.by_agreement[name]))
        yield f"| {name} | {group.n:,} | {' | '.join(cells)} |"


def _part(hits: int, n: int) -> str:
    return f"{hits / n:.2f} | {' to '.join(f'{end:.2f}' for end in wilson_interval(hits, n))}"


def _interval(interval: Iterable[float]) -> str:
    return " to ".join(f"{100 * end:.1f}" for end in interval)
