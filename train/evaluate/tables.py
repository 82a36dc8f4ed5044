"""A model's figures as tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from train.evaluate.views import MEAN_OF_VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from train.evaluate.metrics import Metrics
    from train.evaluate.protocols import ComparedModels
    from train.tracks.figures import TracksReport

ONE_VIEW = "one forward pass"

EXPLAINED = (
    "recall and F1 are the means over the labels; ECE is the expected calibration error; both is PublicTest and "
    "PrivateTest together, as some publish their figures."
)
"""What `accuracies` does not say itself."""


def accuracies(metrics: Mapping[str, Mapping[str, Metrics]], title: str = ONE_VIEW) -> Table:
    """Return a row for each split and protocol."""
    table = _table()
    table.title = title
    for column in ("split", "protocol", "n", "accuracy", "95 % interval", "recall", "F1", "ECE"):
        table.add_column(column, no_wrap=column != "split")
    for split, protocols in metrics.items():
        for protocol, m in protocols.items():
            recall = "-" if m.macro_recall is None else f"{m.macro_recall:.3f}"
            table.add_row(
                split, protocol, f"{m.n:,}", f"{m.accuracy:.2%}", _interval(m.interval), recall, f"{m.macro_f1:.3f}",
                f"{m.calibration_error:.3f}",
            )  # fmt: skip
    return table


def ways(tracks: TracksReport) -> Table:
    """Return a row for each way to read tracks: the share of frames whose label was found."""
    kinds = list(next(iter(tracks.ways.values())).by_kind)
    table = _table("way", "frames right", "95 % interval", *kinds, "changes")
    table.title = f"{tracks.tracks:,} tracks of {tracks.frames} frames; the truth changes {tracks.changes:.2f} times"
    for name, way in tracks.ways.items():
        shares = (f"{way.by_kind[kind].mean:.1%}" for kind in kinds)
        accuracy = way.accuracy
        table.add_row(name, f"{accuracy.mean:.2%}", _interval(accuracy.interval), *shares, f"{way.changes:.2f}")
    return table


def pairs(compared: Sequence[ComparedModels]) -> Table:
    """Return a row for each split and protocol: two models on the same faces."""
    table = _table("split", "protocol", "n", "first", "second", "only first", "only second", "p")
    for one in compared:
        table.add_row(
            one.split, one.protocol, f"{one.pair.n:,}", f"{one.first:.2%}", f"{one.second:.2%}",
            str(one.pair.only_first), str(one.pair.only_second), f"{one.pair.p:.2g}",
        )  # fmt: skip
    return table


def everything(
    metrics: Mapping[str, Mapping[str, Metrics]], views: Mapping[str, Mapping[str, Metrics]], own: str
) -> Iterator[Table | str]:
    """Yield all tables of one model.

    Args:
        metrics: Of one forward pass, by split, then by protocol.
        views: The same of the mean over the views; empty where it was not computed.
        own: The protocol of the model's own labels, whose confusion matrix is shown.
    """
    yield accuracies(metrics)
    if views:
        yield accuracies(views, MEAN_OF_VIEWS)
    yield EXPLAINED
    test = metrics["PrivateTest"]
    yield recalls(test, "PrivateTest")
    if test[own].by_agreement:
        yield agreements(test[own], f"PrivateTest, {own}")
    yield confusion(test[own], f"PrivateTest, {own}, predictions in columns")


def recalls(protocols: Mapping[str, Metrics], title: str) -> Table:
    """Return a row for each label, a column for each protocol: recall, and the number of faces."""
    table = _table("recall (faces)", *protocols)
    table.title = title
    for label in sorted({label for m in protocols.values() for label in m.labels}):
        cells = (m.recall.get(label) for m in protocols.values())
        table.add_row(label, *("-" if c is None or c.recall is None else f"{c.recall:.2f} ({c.n:,})" for c in cells))
    return table


def agreements(metrics: Metrics, title: str) -> Table:
    """Return a row for each group of faces by how many of ten annotators agree."""
    table = _table("annotators who agree", "n", "accuracy", "95 % interval")
    table.title = title
    for name, group in metrics.by_agreement.items():
        table.add_row(name, f"{group.n:,}", f"{group.accuracy:.2%}", _interval(group.interval))
    return table


def confusion(metrics: Metrics, title: str) -> Table:
    """Return the confusion matrix: a row per true label, a column per prediction."""
    table = _table("truth", *(_short(label) for label in metrics.labels))
    table.title = title
    for row in _rows(metrics):
        table.add_row(*row)
    return table


def _rows(metrics: Metrics) -> Iterator[tuple[str, ...]]:
    for label, counts in zip(metrics.labels, metrics.confusion, strict=True):
        yield label, *(str(count) for count in counts)


def _short(label: str) -> str:
    """Return a label's first letters, so that a matrix fits into 80 columns."""
    return label[:5]


def _interval(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _table(*columns: str) -> Table:
    table = Table(*columns, box=SIMPLE_HEAD, padding=0, pad_edge=False)
    table.title_justify = "left"
    return table
