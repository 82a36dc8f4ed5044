"""From data to a bundle that also tells whether a picture is a face."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from convert.__main__ import main
from convert.face_output import split_face
from convert.fold import fold
from convert.graph import parse, serialize
from convert.inspection import summarize
from convert.load import load as load_model
from convert.quantize.activations import observe
from convert.quantize.int8 import quantize
from convert.quantize.ranges import choose_ranges
from edge.errors import BundleError
from edge.inference.bundle import ModelBundle
from edge.inference.labels import FACE
from edge.inference.runtime import Network, installed
from tests.train import synthetic
from tests.train.synthetic import call
from train import report
from train.__main__ import main as train
from train.datasets import ferplus, load
from train.datasets.negatives import clutter
from train.evaluate import face_score

if TYPE_CHECKING:
    from pathlib import Path

    from edge.inference.runtime import Runtime

TAUGHT = """training = "ferplus"
also = "fer2013"
also_weight = 0.2
clutter = 120
face_weight = 1.0
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> synthetic.Run:
    made = synthetic.data_set(tmp_path_factory.mktemp("face") / "data")
    recipe = made.recipe.read_text().replace('training = "ferplus"\n', TAUGHT)
    made.recipe.write_text(recipe + "norm_batches = 4\n")  # in 132 steps the statistics lag behind
    assert call(train, ["fit", str(made.recipe), *made.data, "--clips", "none", "--out", str(made.out)]) == 0
    return made


@pytest.fixture(scope="module")
def bundle(run: synthetic.Run) -> Path:
    for name in ("tiny", "tiny-fer2013"):
        arguments = [str(run.out / f"{name}.keras"), *run.data, "--out", str(run.out / "bundle" / name)]
        assert call(main, [*arguments, "--calibration-faces", "64"]) == 0
    return run.out / "bundle" / "tiny.tflite"


def test_one_training_gives_a_model_for_each_set_of_labels(run: synthetic.Run) -> None:
    main_model, second = (report.read(run.out / f"{name}.json") for name in ("tiny", "tiny-fer2013"))
    assert main_model.labels == (*ferplus.LABELS, FACE)
    assert second.labels == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", FACE)
    assert second.protocol == "fer2013"
    assert main_model.rows["no face"] == 120
    assert main_model.metrics["PrivateTest"]["ferplus-majority"].accuracy > 0.8
    assert second.metrics["PrivateTest"]["fer2013"].accuracy > 0.8


@pytest.mark.parametrize("runtime", installed())
def test_the_bundle_has_an_output_for_it(bundle: Path, runtime: Runtime) -> None:
    summary = summarize(parse(bundle.read_bytes()))
    assert summary.output_names == ("logits", FACE)
    assert summary.output_shapes == ((1, 8), (1, 1))
    network = Network(bundle.read_bytes(), runtime)
    assert network.has_face
    assert network.logits(np.zeros((2, 48, 48), np.uint8)).columns.shape == (2, 9)


def test_faces_score_higher_than_clutter(bundle: Path, run: synthetic.Run) -> None:
    model = ModelBundle.load(bundle)
    faces = load("ferplus-majority", "PrivateTest", run.fer2013, run.ferplus)
    seen, nothing = (model.read(pictures).face_scores for pictures in (faces.pixels, clutter(60, None, seed=9)))
    assert seen is not None
    assert nothing is not None
    least = model.card.calibration.min_face_score
    assert least is not None
    assert 0 < least <= 0.9
    assert (seen >= least).mean() > 0.97
    assert (seen[:, None] > nothing).mean() > 0.95


def test_the_face_score_is_judged_and_drawn(
    bundle: Path,
    run: synthetic.Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(face_score, "_ROOM_DETECTIONS", 40)
    plot = tmp_path / "scores.png"
    assert call(train, ["facescore", str(bundle), *run.data, "--clips", "none", "--plot", str(plot)]) == 0
    said = capsys.readouterr().out
    assert all(heading in said for heading in ("faces dropped", "160", "synthetic", "card's"))
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_the_second_bundle_tells_it_too(bundle: Path) -> None:
    card = ModelBundle.load(bundle.with_name("tiny-fer2013.tflite")).card
    assert card.labels == ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    assert card.calibration.min_face_score is not None
    assert card.trained["data"].startswith("fer2013")


def test_the_gates_hold_again(bundle: Path, run: synthetic.Run) -> None:
    assert call(main, ["check", str(bundle), *run.data, "--model", str(run.out / "tiny.keras")]) == 0
    assert call(train, ["evaluate", str(bundle), *run.data]) == 0


def test_a_bundle_that_takes_everything_for_a_face_does_not_pass(
    bundle: Path, run: synthetic.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = parse(bundle.read_bytes())
    face = next(operator for operator in network.operators if operator.output.name == FACE)
    weights = face.read[1].values
    assert weights is not None
    network.set_input(face, 1, np.zeros_like(weights))
    content = serialize(network)
    (tmp_path / "tiny.tflite").write_bytes(content)
    card = json.loads(bundle.with_suffix(".json").read_text()) | {"sha256": hashlib.sha256(content).hexdigest()}
    (tmp_path / "tiny.json").write_text(json.dumps(card))
    assert call(main, ["check", str(tmp_path / "tiny.tflite"), *run.data]) == 1
    assert [line for line in capsys.readouterr().err.splitlines() if "faces above clutter in litert: " in line]


def test_a_model_that_takes_everything_for_a_face_is_refused(
    run: synthetic.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = keras.models.load_model(run.out / "tiny.keras", compile=False)
    *others, weights, bias = network.layers[-1].get_weights()
    weights[:, -1], bias[-1] = 0, 4
    network.layers[-1].set_weights([*others, weights, bias])
    network.save(tmp_path / "tiny.keras")
    shutil.copy(run.out / "tiny.json", tmp_path)
    assert call(main, [str(tmp_path / "tiny.keras"), *run.data, "--out", str(tmp_path / "out" / "tiny")]) == 1
    assert "no bundle is written: faces above clutter: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_model_that_does_not_end_with_a_dense_layer_is_refused_before_the_work(
    run: synthetic.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = keras.models.load_model(run.out / "tiny.keras", compile=False)
    keras.Model(network.input, keras.layers.Activation("tanh")(network.output)).save(tmp_path / "tiny.keras")
    shutil.copy(run.out / "tiny.json", tmp_path)
    assert call(main, [str(tmp_path / "tiny.keras"), *run.data, "--out", str(tmp_path / "out" / "tiny")]) == 2
    assert "must end with a dense layer; the last operator is TANH" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_card_that_does_not_say_so_is_refused(bundle: Path, tmp_path: Path) -> None:
    for suffix in (".tflite", ".json"):
        shutil.copy(bundle.with_suffix(suffix), tmp_path / f"tiny{suffix}")
    card = json.loads((tmp_path / "tiny.json").read_text())
    card["calibration"]["min_face_score"] = None
    (tmp_path / "tiny.json").write_text(json.dumps(card))
    with pytest.raises(BundleError, match=r"has a face output, but tiny\.json says no min_face_score"):
        ModelBundle.load(tmp_path / "tiny.tflite")


def test_split_off_the_numbers_stay_what_they_are(run: synthetic.Run) -> None:
    path = run.out / "tiny.keras"
    source = load_model(path)
    reference = fold(source.network, source.spec.scaling, source.spec.order, probabilities=False)
    random = np.random.default_rng(4)
    pictures = random.integers(0, 256, (16, 48, 48), np.uint8)
    whole = quantize(path, reference, choose_ranges(observe(reference, pictures), "min-max"))
    for runtime in installed():
        before, after = (
            Network(serialize(network), runtime).logits(pictures).columns for network in (whole, split_face(whole))
        )
        assert np.array_equal(before, after)


def test_the_face_comes_last(run: synthetic.Run) -> None:
    spec = load_model(run.out / "tiny.keras").spec
    assert spec.outputs.columns == (*ferplus.LABELS, FACE)
    assert [spec.labels[place] for place in spec.order] == [*ferplus.LABELS, FACE]
