"""``python -m convert MODEL.keras --out edge/models/emotion``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path  # noqa: TC003  # typer reads annotations
from typing import TYPE_CHECKING, Annotated, Any

import train.quiet  # noqa: F401  # before anything that imports keras

# isort: split
import typer
from rich.console import Console
from rich.table import Table

from convert import bundle, checks, isolated
from convert.anatomy import dissect
from convert.calibrate import representative
from convert.confidence import calibrate
from convert.load import ModelError, load
from convert.quantize import quantize
from edge.model import softmax
from edge.runtime import installed
from train import datasets, report
from train.console import Fer2013Option, FerplusOption, run
from train.evaluate import judge, run_once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from convert.anatomy import Anatomy
    from convert.checks import Check
    from convert.confidence import Confidence
    from convert.load import FloatModel
    from edge.runtime import Runtime
    from train.datasets import Faces, Protocol, Split

    Key = tuple[Split, Protocol]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def convert(  # noqa: PLR0913  # each is a flag
    model: Annotated[Path, typer.Argument(help="NAME.keras, with its report NAME.json beside it.")],
    fer2013: Fer2013Option,
    ferplus: FerplusOption,
    *,
    out: Annotated[Path, typer.Option(help="The bundle's folder and name, without an ending.")],
    name: Annotated[str | None, typer.Option(help="Its name in the card.", show_default="OUT's last part")] = None,
    calibration_faces: Annotated[int, typer.Option(min=1, help="Training faces that give the ranges.")] = 512,
    max_drop: Annotated[float, typer.Option(min=0, help="Points of accuracy that int8 may lose.")] = 1.0,
) -> None:
    """Quantise a trained model to int8, check it, and write it as a bundle."""
    out = out.with_suffix("") if out.suffix == ".tflite" else out
    if not installed():
        message = "no TFLite runtime is installed to check the model in; 'pip install ai-edge-litert'"
        raise ModelError(message)
    trained = load(model)
    data = trained.report.recipe.data
    tests = report.load_tests(fer2013, ferplus)
    tests["PublicTest", data.validation] = datasets.load(data.validation, "PublicTest", fer2013, ferplus)
    faces = representative(datasets.load(data.training, "Training", fer2013, ferplus), calibration_faces)
    content = quantize(trained.network, faces)
    anatomy = dissect(content)

    found = [checks.all_integer(anatomy), checks.as_contracted(content, anatomy, trained.labels)]
    if all(check.holds for check in found):
        trial = _try(content, trained, tests, max_drop)
        found += [*trial.checks, *checks.reported(content, anatomy, trial.metrics["validation"]["agreement"])]
    _show(found)
    failed = [check for check in found if not check.holds]
    for check in failed:
        sys.stderr.write(f"{model}: no bundle is written: {check.sentence}\n")
    if failed:
        raise typer.Exit(1)
    _write(out, name or out.name, content, anatomy, trained, trial)


@dataclass(frozen=True, eq=False)
class _Trial:
    """The int8 network beside the float one, on every test set and in every runtime."""

    checks: list[Check]
    metrics: dict[str, Any]
    confidence: Confidence


def _try(content: bytes, trained: FloatModel, tests: Mapping[Key, Faces], max_drop: float) -> _Trial:
    key: Key = ("PublicTest", trained.report.recipe.data.validation)
    validation = tests[key]
    exact = run_once(report.model_logits(trained.network), tests)
    quantised: dict[Runtime, dict[Key, NDArray[np.float32]]] = {
        runtime: run_once(partial(isolated.logits, content, runtime), tests) for runtime in installed()
    }

    def accuracy(rows: Mapping[Key, NDArray[np.float32]], key: Key) -> float:
        return round(judge(softmax(rows[key]), trained.labels, tests[key]).accuracy, 5)

    def figures(key: Key) -> dict[str, Any]:
        int8 = {runtime: accuracy(rows, key) for runtime, rows in quantised.items()}
        return {"n": len(tests[key]), "float": accuracy(exact, key), "int8": int8}

    found = [
        checks.accuracy_kept(
            runtime,
            judge(softmax(exact[key]), trained.labels, validation),
            judge(softmax(rows[key]), trained.labels, validation),
            max_drop,
        )
        for runtime, rows in quantised.items()
    ]
    agreeing = checks.agreements({runtime: rows[key] for runtime, rows in quantised.items()}, exact[key])
    # The first runtime is the one that edge takes unless told otherwise.
    confidence = calibrate(next(iter(quantised.values()))[key], validation.truth)
    metrics = {protocol.replace("-", "_"): figures(("PrivateTest", protocol)) for protocol in report.TESTED}
    metrics["validation"] = {
        "protocol": key[1],
        **figures(key),
        "agreement": {pair: round(part, 5) for pair, part in agreeing.items()},
        "calibration_error": {
            "before": round(confidence.error_before, 4),
            "after": round(confidence.error_after, 4),
        },
    }
    return _Trial(found, metrics, confidence)


def _write(out: Path, name: str, content: bytes, anatomy: Anatomy, trained: FloatModel, trial: _Trial) -> None:
    card = bundle.make_card(name, content, anatomy, trained.report, trial.confidence, trial.metrics, installed())
    try:
        path = bundle.write(out, content, card)
    except OSError as error:
        message = f"{error.filename or out}: cannot be written: {error.strerror}"
        raise ModelError(message) from error
    confidence = trial.confidence
    Console().print(
        f"{path} and its card: temperature {confidence.temperature:.2f}, uncertain below "
        f"{confidence.min_confidence:.2f}, calibration error {confidence.error_before:.3f} before and "
        f"{confidence.error_after:.3f} after",
        soft_wrap=True,
    )


def _show(found: Sequence[Check]) -> None:
    table = Table("gate", "measured", "limit", "ok")
    for check in found:
        verdict = "" if not check.limit else "[green]yes[/]" if check.holds else "[bold red]NO[/]"
        table.add_row(check.name, check.measured, check.limit, verdict)
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    run(app, arguments)


if __name__ == "__main__":
    main()
