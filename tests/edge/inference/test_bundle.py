from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.errors import BundleError
from edge.inference.bundle import SHIPPED, ModelBundle
from edge.inference.outputs import softmax
from edge.inference.runtime import Network, installed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


EIGHT = ("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the shipped bundle, to be spoilt."""
    for suffix in (".tflite", ".json"):
        shutil.copy(SHIPPED.with_suffix(suffix), tmp_path / f"model{suffix}")
    return tmp_path / "model.tflite"


def edit_card(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = bundle.with_suffix(".json")
    card = json.loads(path.read_text())
    change(card)
    path.write_text(json.dumps(card))


def refusal(bundle: Path) -> str:
    with pytest.raises(BundleError) as caught:
        ModelBundle.load(bundle)
    assert caught.value.exit_code == 4
    return str(caught.value)


def test_the_shipped_bundle_gives_probabilities() -> None:
    bundle = ModelBundle.load()
    size = (bundle.card.input.height, bundle.card.input.width)
    faces = np.random.default_rng(0).integers(0, 256, (3, *size), dtype=np.uint8)
    probabilities = bundle.read(faces).probabilities
    assert probabilities.shape == (3, len(bundle.labels))
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(probabilities, bundle.read(faces).probabilities)
    assert bundle.read(faces[:0]).probabilities.shape == (0, len(bundle.labels))


@pytest.mark.parametrize(
    ("name", "most_bytes", "most_macs", "labels"),
    [
        ("emotion", 1_200_000, 60_000_000, EIGHT),
        ("emotion-fer2013", 1_200_000, 60_000_000, tuple(label for label in EIGHT if label != "contempt")),
        ("emotion-tiny", 250_000, 15_000_000, EIGHT),
    ],
)
def test_the_shipped_bundles_fit_their_budgets(
    name: str, most_bytes: int, most_macs: int, labels: tuple[str, ...]
) -> None:
    path = SHIPPED.with_name(f"{name}.tflite")
    card = ModelBundle.load(path).card
    assert card.name == name
    assert card.bytes == path.stat().st_size <= most_bytes
    assert card.macs <= most_macs
    assert card.labels == labels
    assert card.calibration.min_face_score is not None


@pytest.mark.parametrize("runtime", installed())
def test_every_installed_runtime_runs_it(runtime: Any) -> None:
    network = Network(SHIPPED.read_bytes(), runtime)
    assert network.runtime == runtime
    assert network.logits(np.zeros((1, *network.input_shape), np.uint8)).emotions.shape == (1, network.emotions)


def test_threads_do_not_change_the_answer() -> None:
    face = np.random.default_rng(1).integers(0, 256, (1, 48, 48), dtype=np.uint8)
    answers = [ModelBundle.load(threads=threads).read(face).probabilities for threads in (1, 2)]
    assert np.array_equal(answers[0], answers[1])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "absent.tflite" in refusal(tmp_path / "absent.tflite")


def test_a_missing_card_is_named(bundle: Path) -> None:
    bundle.with_suffix(".json").unlink()
    assert "model.json" in refusal(bundle)


def test_a_text_file_is_no_network(bundle: Path) -> None:
    bundle.write_text("hello, this is not a network")
    edit_card(bundle, lambda card: card.update(sha256=_sha256(bundle)))
    assert "not a TFLite file" in refusal(bundle)


def test_a_cut_network_is_refused(bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:5000])
    assert "sha256" in refusal(bundle)


def test_a_hash_that_does_not_match_is_named(bundle: Path) -> None:
    edit_card(bundle, lambda card: card.update(sha256="0" * 64))
    assert "000000000000…" in refusal(bundle)


def test_other_labels_than_outputs_are_named(bundle: Path) -> None:
    def without_one(card: dict[str, Any]) -> None:
        card["labels"].pop()
        card["calibration"] |= {"priors": None, "balance": 0}

    edit_card(bundle, without_one)
    assert "8 outputs" in refusal(bundle)
    assert "7 labels" in refusal(bundle)


def test_another_size_is_named(bundle: Path) -> None:
    edit_card(bundle, lambda card: card["input"].update(width=64))
    assert "48x48" in refusal(bundle)
    assert "64x48" in refusal(bundle)


@pytest.mark.parametrize("text", ["", "{}", "[]", "{"])
def test_a_card_that_is_none_is_named(bundle: Path, text: str) -> None:
    bundle.with_suffix(".json").write_text(text)
    assert "model.json: not a model card" in refusal(bundle)


def test_softmax_is_sure_of_large_logits_and_does_not_overflow() -> None:
    logits = np.array([[1000.0, 0.0], [0.0, 0.0]], np.float32)
    assert softmax(logits).tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_temperature_softens() -> None:
    logits = np.array([[2.0, 0.0]], np.float32)
    assert softmax(logits, 1.0)[0, 0] > softmax(logits, 2.0)[0, 0] > 0.5


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
