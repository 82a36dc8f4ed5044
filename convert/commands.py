"""The command line of ``python -m convert``: ``MODEL --out edge/models/emotion``, and what ``--help`` names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import train.tensorflow_settings  # noqa: F401  # before anything that imports keras

# isort: split
import typer
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from convert import bundle, plots
from convert.bench import as_table, benchmark
from convert.errors import ModelError
from convert.faces import LabelledFaces
from convert.gates import Limits  # noqa: TC001  # limits_as_options reads annotations
from convert.make import make
from convert.options import limits_as_options
from convert.peers.measure import as_table as peers_as_table
from convert.peers.measure import measure
from convert.recalibrate import recalibrate
from convert.recheck import recheck
from edge.cli.options import writable_png
from edge.files import check_writable, write_atomically
from edge.inference.bundle import ModelBundle
from edge.inference.card import check_name
from edge.text import printable
from train.console import Fer2013Option, FerplusOption, console, run
from train.evaluate.protocols import load_tests
from train.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convert.gates import GateResult
    from convert.make import Conversion
    from edge.inference.card import Card

_FACES = 512
_LOUDEST = 8
"""Layers that are shown where quantisation loses too much."""

_TrustOption = Annotated[
    bool, typer.Option("--trust", help="Load the model even if it may run code or open files: you made it yourself.")
]

_BundlesArgument = Annotated[list[Path], typer.Argument(metavar="BUNDLE", help="Bundles' .tflite files.")]

_RoundsOption = Annotated[int, typer.Option(min=1, metavar="N", help="How often each is timed, in turn.")]


class _ModelFirst(TyperGroup):
    """What is no command is a model: ``python -m convert MODEL`` is ``python -m convert model MODEL``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["model", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ModelFirst,
    help="From a facial-expression model to a checked int8 bundle.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # as in edge.cli.main
)


@app.command("model")
@limits_as_options
def convert(  # noqa: PLR0913  # each is a flag
    model: Annotated[
        Path,
        typer.Argument(help="A .keras, .h5 or .onnx file or a SavedModel's folder; NAME.toml or a report beside it."),
    ],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    out: Annotated[Path, typer.Option(help="The bundle's folder and name, without an ending.")],
    name: Annotated[str | None, typer.Option(help="Its name in the card.", show_default="OUT's last part")] = None,
    calibration_faces: Annotated[
        int, typer.Option(min=1, metavar="N", help="Pictures for the ranges; most are faces.")
    ] = _FACES,
    trust: _TrustOption = False,
    limits: Limits,
) -> None:
    """Quantise a model to int8, check it, and write it as a bundle. Every gate's limit is an option."""
    out = out.with_suffix("") if out.suffix == ".tflite" else out
    try:
        name = check_name(name or out.name)
    except ValueError as error:
        message = f"{printable(name or out.name)!r} cannot be the bundle's name: {error}; write another: --name NAME"
        raise ModelError(message) from None
    bundle.check_place(out, model)
    with progress() as stage:
        conversion = make(model, name, LabelledFaces(fer2013, ferplus, calibration_faces), limits, stage, trusted=trust)
    _show_trials(conversion)
    _show(conversion.results)
    if conversion.card is None:
        _show_noisiest_layers(conversion)
        _refuse(str(model), "no bundle is written", conversion.results)
    else:
        _show_written(bundle.write(out, conversion.trials[-1].content, conversion.card), conversion.card)


@app.command()
@limits_as_options
def check(
    bundle_file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle's .tflite file.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    model: Annotated[
        Path | None, typer.Option(help="The model that it was made from: then every gate is run, not only most.")
    ] = None,
    trust: _TrustOption = False,
    limits: Limits,
) -> None:
    """Run the gates again on a bundle that is there."""
    with progress() as stage:
        results = recheck(bundle_file, model, LabelledFaces(fer2013, ferplus, _FACES), limits, stage, trusted=trust)
    _show(results)
    _refuse(str(bundle_file), "it does not pass", results)


@app.command("calibrate")
def calibrate_again(
    bundle_file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle's .tflite file.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
) -> None:
    """Choose temperature, balance and thresholds of a bundle again. Its card and page are written anew."""
    check_writable(bundle_file)
    with progress() as stage:
        card = recalibrate(bundle_file, LabelledFaces(fer2013, ferplus, _FACES), stage)
    _show_written(bundle.write(bundle_file.with_suffix(""), bundle_file.read_bytes(), card), card)


@app.command("page")
def write_pages(
    bundles: _BundlesArgument,
) -> None:
    """Write the pages of bundles anew from their cards. They are NAME.md and NAME.png."""
    for path in bundles:
        card = ModelBundle.load(path).card
        bundle.write_page(path.with_suffix(""), card)
        console().print(f"{path.with_suffix('.md')} and its picture", soft_wrap=True)


@app.command()
def bench(
    bundles: _BundlesArgument,
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    rounds: _RoundsOption = 30,
) -> None:
    """Compare bundles: accuracy, size, and milliseconds a face. Each runtime is timed in turn."""
    with progress() as stage:
        rows = benchmark(bundles, load_tests(fer2013, ferplus), rounds, stage)
    console().print(as_table(rows, rounds))


@app.command()
def frontier(
    bundles: _BundlesArgument,
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    rounds: _RoundsOption = 15,
    plot: Annotated[Path | None, typer.Option(callback=writable_png, help="Draw it too, into this .png file.")] = None,
) -> None:
    """Compare bundles with others' models. Accuracy is on PrivateTest; milliseconds a face are timed in turn."""
    measured = measure(bundles, load_tests(fer2013, ferplus), rounds)
    console().print(peers_as_table(measured))
    console().print(f"FER+ is majority; ms are of a face on one thread in LiteRT, median of {rounds} turns")
    if plot:
        write_atomically(plot, plots.frontier(measured))


def _show(results: Sequence[GateResult]) -> None:
    """Show what the gates measured."""
    table = Table("gate", "measured", "limit", "ok")
    for result in results:
        verdict = Text("yes", "green") if result.holds else Text("NO", "bold red")
        table.add_row(result.gate, result.measured, result.limit, verdict if result.limit else "")
    console().print(table)


def _refuse(what: str, consequence: str, results: Sequence[GateResult]) -> None:
    """Say what failed, if anything did, and end with code 1."""
    failed = [result for result in results if not result.holds]
    for result in failed:
        loosen = f" ({result.option} would let it pass)" if result.option else ""
        sys.stderr.write(f"{what}: {consequence}: {result.gate}: {result.sentence}{loosen}\n")
    if failed:
        raise typer.Exit(1)


def _show_trials(conversion: Conversion) -> None:
    for trial, following in zip(conversion.trials, conversion.trials[1:], strict=False):
        failed = ", ".join(result.gate for result in trial.results if not result.holds)
        why = f"{failed} did not hold" if failed else "every gate holds, but another method agrees better with float"
        console().print(f"{trial.method}: {why}; {following.method} instead", soft_wrap=True)


def _show_noisiest_layers(conversion: Conversion) -> None:
    rows: list[dict[str, Any]] = [row for row in conversion.layers if row["snr_db"] is not None]
    if not rows:
        return
    table = Table("layer", "operator", "output", "SNR, dB", title="Where int8 loses most")
    for row in sorted(rows, key=lambda row: float(row["snr_db"]))[:_LOUDEST]:
        table.add_row(row["name"], row["operator"], "x".join(map(str, row["output"])), f"{row['snr_db']:.1f}")
    console().print(table)


def _show_written(path: Path, card: Card) -> None:
    error, chosen = card.metrics["validation"]["calibration_error"], card.calibration
    console().print(
        f"{path}, its card and page: {_accuracies(card)}; temperature {chosen.temperature:.2f}, "
        f"balance {chosen.balance:.2f}, uncertain below {chosen.min_confidence:.2f}, "
        f"calibration error {error['before']:.3f} before and {error['after']:.3f} after",
        soft_wrap=True,
    )


def _accuracies(card: Card) -> str:
    """Return the accuracies on validation faces in words."""
    validation = card.metrics["validation"]
    int8 = ", ".join(f"{accuracy:.1%} in {runtime}" for runtime, accuracy in validation["int8"].items())
    views = ", ".join(f"{accuracy:.1%} in {runtime}" for runtime, accuracy in validation["four_views"].items())
    return (
        f"float {validation['float']:.1%}, int8 {int8}, the mean of four views {views} "
        f"of {validation['n']:,} validation faces right"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    run(app, arguments)
