"""Write a model bundle: ``NAME.tflite`` and its card, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.model import Calibration, Card, InputCard, ModelBundle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convert.anatomy import Anatomy
    from convert.confidence import Confidence
    from edge.runtime import Runtime
    from train.report import Report

_PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


def make_card(  # noqa: PLR0913, PLR0917  # a card says seven things
    name: str,
    content: bytes,
    anatomy: Anatomy,
    report: Report,
    confidence: Confidence,
    metrics: Mapping[str, Any],
    runtimes: Mapping[Runtime, str],
) -> Card:
    """Say everything about a converted model. It holds no time: equal models give equal cards.

    Args:
        name: The bundle's name.
        content: The ``.tflite`` file.
        anatomy: Its parts.
        report: The training's report.
        confidence: Temperature and least confidence, with what they were chosen by.
        metrics: What was measured, as it goes into the card.
        runtimes: Version of each runtime that it was checked in.
    """
    data = report.recipe.data
    _, height, width, _ = anatomy.input_shapes[0]
    return Card(
        name=name,
        version=tomllib.loads(_PYPROJECT.read_text())["project"]["version"],
        sha256=hashlib.sha256(content).hexdigest(),
        labels=report.labels,
        input=InputCard(width=width, height=height),
        calibration=Calibration(temperature=confidence.temperature, min_confidence=confidence.min_confidence),
        trained={
            "recipe": report.recipe.name,
            "description": report.recipe.description,
            "data": f"{data.training}, {report.rows[f'{data.training} Training']:,} faces of FER2013's Training split",
            "epochs": report.epochs,
        },
        metrics=dict(metrics),
        macs=anatomy.macs,
        parameters=anatomy.parameters,
        bytes=len(content),
        operators=anatomy.operators,
        min_runtime=anatomy.min_runtime,
        runtimes=dict(runtimes),
    )


def write(out: Path, content: bytes, card: Card) -> Path:
    """Write ``OUT.tflite`` and ``OUT.json``.

    Both are written and loaded beside their place first. If the second cannot take its
    place, the first is put back. A power cut between the two leaves a hash that does
    not match, which loading refuses by name.

    Args:
        out: Folder and name, without an ending.
        content: The ``.tflite`` file.
        card: Its card.

    Returns:
        The path of the ``.tflite`` file.

    Raises:
        BundleError: What was written does not load as a bundle.
        OSError: The folder cannot be written to; what was there is untouched.
    """
    network_path, card_path = out.with_name(f"{out.name}.tflite"), out.with_name(f"{out.name}.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        new_network, new_card = Path(scratch) / network_path.name, Path(scratch) / card_path.name
        new_network.write_bytes(content)
        new_card.write_text(card.model_dump_json(indent=1) + "\n")
        ModelBundle.load(new_network)
        old = Path(scratch) / "old"
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(network_path, old)
        new_network.replace(network_path)
        try:
            new_card.replace(card_path)
        except OSError:
            if old.exists():
                old.replace(network_path)
            else:
                network_path.unlink()
            raise
    return network_path
