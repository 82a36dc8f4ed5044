"""Three PyTorch networks, exported to ONNX, become bundles that pass every gate; ``make test-onnx`` runs it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from convert.__main__ import main
from convert.graph import parse
from convert.inspection import summarize
from edge.inference.bundle import ModelBundle
from edge.inference.runtime import installed
from tests.train.synthetic import call
from train.datasets import ferplus, load

if "FER2013" not in os.environ:
    pytest.skip("three conversions of minutes each: 'make test-onnx' runs them", allow_module_level=True)

pytestmark = pytest.mark.timeout(1800)

MODELS = Path("runs/onnx")
FER2013, FERPLUS = Path(os.environ["FER2013"]), Path(os.environ["FERPLUS"])


@pytest.fixture(scope="module", params=["attention", "efficientnet", "mobilefacenet"])
def bundle(request: pytest.FixtureRequest) -> Path:
    """A bundle that was converted just now; it stays in runs/bundles, to be looked at."""
    out = Path("runs/bundles") / str(request.param)
    data = ["--fer2013", str(FER2013), "--ferplus", str(FERPLUS)]
    assert call(main, [str(MODELS / f"{request.param}.onnx"), *data, "--out", str(out)]) == 0
    return out.with_name(f"{out.name}.tflite")


def test_every_gate_holds(bundle: Path) -> None:
    card = ModelBundle.load(bundle).card
    gates = {gate["gate"]: gate for gate in (card.model_extra or {})["gates"]}
    assert all(gate["holds"] for gate in gates.values())
    assert float(gates["float as the source"]["measured"]) <= 1e-3
    assert {f"drop in {runtime}" for runtime in installed()} <= set(gates)
    assert (card.model_extra or {})["quantisation"]["loosened"] == {}


def test_it_takes_gray_pixels_and_gives_sorted_labels(bundle: Path) -> None:
    summary = summarize(parse(bundle.read_bytes()))
    card = ModelBundle.load(bundle).card
    assert summary.float_tensors == ()
    assert summary.input_shapes == ((1, card.input.height, card.input.width, 1),)
    assert card.labels == ferplus.LABELS == tuple(sorted(card.labels))


def test_it_reads_faces(bundle: Path) -> None:
    loaded = ModelBundle.load(bundle)
    validation = loaded.card.metrics["validation"]
    faces = load("ferplus-majority", "PublicTest", FER2013, FERPLUS)
    assert validation["n"] == len(faces)
    assert validation["float"] > np.bincount(faces.truth).max() / len(faces) + 0.2  # far above always the same answer
