"""The report of a training as files: one Markdown page, two plots, and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge.files import write_atomically
from train import plots
from train.heads import heads_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from train.evaluate.metrics import Metrics
    from train.report import TrainingReport


def write(report: TrainingReport, folder: Path) -> Path:
    """Write ``NAME.json``, ``NAME.md`` and two plots, ``NAME-*.png``, into the run's folder, each atomically.

    Returns:
        The JSON file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shown = report.metrics["PrivateTest"][report.protocol]
    title = f"{report.name}, {report.protocol}, PrivateTest: {shown.accuracy:.1%} of {shown.n:,}"
    (first, *_) = heads_of(report.recipe.data)
    files = {
        f"{report.name}-curves.png": plots.curves(report.history, report.name, first.protocol),
        f"{report.name}-confusion.png": plots.confusion(shown, title),
        f"{report.name}.md": _markdown(report).encode(),
        f"{report.name}.json": report.model_dump_json(indent=1).encode() + b"\n",
    }
    for name, content in files.items():
        write_atomically(folder / name, content)
    return folder / f"{report.name}.json"


def _markdown(report: TrainingReport) -> str:
    """Return the page; the plots lie beside it."""
    schedule = report.recipe.schedule
    took = f", {report.wall_s / 60:.0f} minutes" if report.wall_s else ""
    summary = (
        f"{report.parameters:,} parameters, {report.macs:,} multiply-accumulates a face. "
        f"{report.epochs} of {schedule.epochs} epochs{took}. "
        f"Trained on {', '.join(f'{count:,} of {what}' for what, count in report.rows.items() if 'Test' not in what)}; "
        "PublicTest chooses, PrivateTest decides nothing; both are shown together because some publish such a figure."
    )
    lines = [
        f"# {report.name}",
        "",
        report.recipe.description,
        "",
        summary,
        "",
        *_accuracies(report),
        "",
        "Recall on PrivateTest (faces):",
        "",
        *_recalls(report.metrics["PrivateTest"]),
        "",
        f"![Curves]({report.name}-curves.png)",
        "",
        f"![Confusion]({report.name}-confusion.png)",
        "",
    ]
    return "\n".join(lines)


def _accuracies(report: TrainingReport) -> Iterator[str]:
    yield "| split | protocol | n | accuracy | 95 % interval | macro-F1 | calibration error |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for split, protocols in report.metrics.items():
        for protocol, m in protocols.items():
            low, high = m.interval
            yield (
                f"| {split} | {protocol} | {m.n:,} | {m.accuracy:.2%} | {low:.1%} to {high:.1%} "
                f"| {m.macro_f1:.3f} | {m.calibration_error:.3f} |"
            )


def _recalls(protocols: Mapping[str, Metrics]) -> Iterator[str]:
    labels = sorted({label for m in protocols.values() for label in m.labels})
    yield f"| protocol | {' | '.join(labels)} |"
    yield f"|---|{'---:|' * len(labels)}"
    for protocol, m in protocols.items():
        cells: list[Any] = [m.recall.get(label) for label in labels]
        written = ("-" if c is None or c.recall is None else f"{c.recall:.2f} ({c.n})" for c in cells)
        yield f"| {protocol} | {' | '.join(written)} |"
