"""From a trained model to a bundle, and every way that must not end in one."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from convert.__main__ import main
from convert.errors import ModelError
from convert.graph import parse
from convert.inspection import summarize
from convert.make import make
from edge.inference.bundle import ModelBundle
from edge.inference.runtime import installed
from edge.vision.views import VIEWS, view_stills
from tests.train.synthetic import Run, call
from train import report
from train.datasets import load
from train.evaluate.metrics import evaluate
from train.evaluate.models import keras_logits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.convert.conftest import Converted
    from train.datasets import Split


def convert(trained: Run, model: Path, out: Path) -> int:
    return call(main, [str(model), *trained.data, "--out", str(out), "--calibration-faces", "64"])


def test_without_a_runtime_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convert.make.installed", dict)
    nothing: Any = None
    with pytest.raises(ModelError, match=r"-m pip install ai-edge-litert$"):
        make(nothing, "tiny", nothing, nothing, nothing)


def save_beside_report(network: keras.Model, trained: Run, folder: Path) -> Path:
    folder.mkdir()
    network.save(folder / "tiny.keras")
    shutil.copy(trained.out / "tiny.json", folder)
    return folder / "tiny.keras"


@pytest.fixture
def old_bundle(converted: Converted, tmp_path: Path) -> Path:
    """A bundle that is there already."""
    for path in (converted.network, converted.card):
        shutil.copy(path, tmp_path / path.name)
    return tmp_path / "tiny"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_bundle_runs_and_its_card_tells_the_truth(converted: Converted, trained: Run) -> None:
    bundle = ModelBundle.load(converted.network)
    faces = load("ferplus-majority", "PrivateTest", trained.fer2013, trained.ferplus)
    metrics = evaluate(bundle.read(faces.pixels).probabilities, bundle.labels, faces)
    stated = bundle.card.metrics["ferplus_majority"]
    assert metrics.accuracy > 0.8
    assert stated["n"] == metrics.n == len(faces)
    assert stated["int8"][bundle.network.runtime] == pytest.approx(metrics.accuracy, abs=1e-4)
    trained_metrics = report.read(trained.out / "tiny.json").metrics["PrivateTest"]["ferplus-majority"]
    assert stated["float"] == pytest.approx(trained_metrics.accuracy, abs=1e-4)
    assert set(stated["int8"]) == set(installed())


def test_the_mean_of_four_views_stands_beside_one_pass(converted: Converted, trained: Run) -> None:
    shipped = ModelBundle.load(converted.network)
    bundle = ModelBundle(shipped.card, shipped.network, balance=0)  # one pass is counted without balance too
    names: dict[Split, str] = {"PublicTest": "validation", "PrivateTest": "ferplus_majority"}
    for split, name in names.items():
        faces = load("ferplus-majority", split, trained.fer2013, trained.ferplus)
        views = [bundle.read(view_stills(faces.pixels, view, 48, 48)).probabilities for view in VIEWS]
        metrics = evaluate(np.asarray(np.mean(views, axis=0), np.float32), bundle.labels, faces)
        stated = bundle.card.metrics[name]["four_views"]
        assert stated == {bundle.network.runtime: pytest.approx(metrics.accuracy, abs=1e-4)}


def test_a_bundle_calibrated_again_is_what_it_was(converted: Converted, trained: Run, tmp_path: Path) -> None:
    before = contents(converted.network.parent)
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)
    card = json.loads(before["tiny.json"])
    card["calibration"] |= {"temperature": 3.0, "min_confidence": 0.0, "balance": 0.0}
    for metrics in card["metrics"].values():
        del metrics["four_views"]
    (tmp_path / "tiny.json").write_text(json.dumps(card))
    assert call(main, ["calibrate", str(tmp_path / "tiny.tflite"), *trained.data]) == 0
    assert contents(tmp_path) == before


def test_a_bundle_calibrated_again_keeps_its_priors(converted: Converted, trained: Run, tmp_path: Path) -> None:
    for name, content in contents(converted.network.parent).items():
        (tmp_path / name).write_bytes(content)
    card = json.loads((tmp_path / "tiny.json").read_text())
    priors = [0.3, *[0.1] * 7]
    card["calibration"]["priors"] = priors
    (tmp_path / "tiny.json").write_text(json.dumps(card))
    assert call(main, ["calibrate", str(tmp_path / "tiny.tflite"), *trained.data]) == 0
    assert json.loads((tmp_path / "tiny.json").read_text())["calibration"]["priors"] == priors


def test_the_card_is_complete(converted: Converted, trained: Run) -> None:
    card = ModelBundle.load(converted.network).card
    written = report.read(trained.out / "tiny.json")
    assert card.name == "tiny"
    assert card.labels == written.labels
    assert (card.input.width, card.input.height, card.input.channels, card.input.crop_margin) == (48, 48, 1, 0.0)
    assert card.trained["recipe"] == "tiny"
    assert set(card.metrics) == {"ferplus_majority", "ferplus_top", "fer2013", "validation"}
    assert card.macs == written.macs
    assert card.parameters <= written.parameters  # normalisation is folded into the convolutions
    assert card.bytes == converted.network.stat().st_size
    assert card.operators["CONV_2D"] == 7
    assert card.min_runtime
    calibration = card.metrics["validation"]["calibration_error"]
    assert calibration["after"] <= calibration["before"]
    assert (card.model_extra or {})["runtimes"] == installed()


def test_the_network_is_as_contracted(converted: Converted) -> None:
    summary = summarize(parse(converted.network.read_bytes()))
    assert summary.float_tensors == summary.float_operators == ()
    assert summary.input_shapes == ((1, 48, 48, 1),)
    assert summary.output_shapes == ((1, 8),)
    assert summary.output_names == ("logits",)


def test_every_gate_is_shown(converted: Converted) -> None:
    for gate in ("float tensors", "input and output", *(f"drop in {runtime}" for runtime in installed()), "size"):
        assert gate in converted.said


def test_equal_input_gives_equal_bytes(converted: Converted, trained: Run, tmp_path: Path) -> None:
    assert convert(trained, trained.model, tmp_path / "tiny") == 0
    assert contents(tmp_path) == contents(converted.network.parent)


def with_outlier(network: keras.Model, made: Sequence[str], read: Sequence[str], factor: float = 3000.0) -> keras.Model:
    """Change nothing in float: one channel grows where it is made and shrinks again where it is read.

    Quantised per tensor, the other channels of that activation fall below one step.
    """
    changed = keras.models.clone_model(network)
    changed.set_weights(network.get_weights())
    for norm in made:
        gamma, beta, mean, variance = changed.get_layer(norm).get_weights()
        gamma[0], beta[0] = gamma[0] * factor, beta[0] * factor
        changed.get_layer(norm).set_weights([gamma, beta, mean, variance])
    for convolution in read:
        (kernel,) = changed.get_layer(convolution).get_weights()
        kernel[:, :, 0, :] /= factor
        changed.get_layer(convolution).set_weights([kernel])
    return changed


def within_blocks(network: keras.Model) -> keras.Model:
    """Outliers between two convolutions, whose weights can undo them."""
    for stage in ("stage1", "stage2"):
        network = with_outlier(network, [f"{stage}_block1_conv1_norm"], [f"{stage}_block1_conv2"])
    return network


def between_blocks(network: keras.Model) -> keras.Model:
    """An outlier in a sum, which no single convolution makes."""
    made = ["stage1_block1_conv2_norm", "stage1_block1_shortcut_norm"]
    return with_outlier(network, made, ["stage2_block1_conv1", "stage2_block1_shortcut"])


@pytest.mark.parametrize("broken", [within_blocks, between_blocks])
def test_outliers_change_nothing_in_float(broken: Callable[[keras.Model], keras.Model], trained: Run) -> None:
    network = keras.models.load_model(trained.model, compile=False)
    faces = load("ferplus-majority", "PublicTest", trained.fer2013, trained.ferplus).pixels
    answers, others = (keras_logits(n)(faces).argmax(axis=1) for n in (network, broken(network)))
    assert np.array_equal(answers, others)


def test_outliers_that_weights_can_undo_are_equalised(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = within_blocks(keras.models.load_model(trained.model, compile=False))
    assert convert(trained, save_beside_report(network, trained, tmp_path / "run"), tmp_path / "tiny") == 0
    assert "did not hold; mse ranges, channels equalised instead" in capsys.readouterr().out
    card = ModelBundle.load(tmp_path / "tiny.tflite").card
    quantisation = (card.model_extra or {})["quantisation"]
    assert quantisation["way"] == "mse ranges, channels equalised"
    tried = {trial["way"]: trial["failed"] for trial in quantisation["tried_before"]}
    assert list(tried) == ["min-max ranges", "percentile ranges", "mse ranges"]
    assert all("more than allowed" in failed[0] for failed in tried.values())
    assert card.metrics["validation"]["int8"]["litert"] == card.metrics["validation"]["float"]
    assert "tried before: min-max ranges" in (tmp_path / "tiny.md").read_text("utf-8")


def test_a_model_that_int8_breaks_is_refused(
    trained: Run, old_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = between_blocks(keras.models.load_model(trained.model, compile=False))
    before = contents(tmp_path)

    assert convert(trained, save_beside_report(broken, trained, tmp_path / "run"), old_bundle) == 1

    captured = capsys.readouterr()
    assert "NO" in captured.out
    assert "Where int8 loses most" in captured.out
    assert f"no bundle is written: drop in {next(iter(installed()))}" in captured.err
    assert "more than allowed" in captured.err
    assert contents(tmp_path) == before
    assert ModelBundle.load(old_bundle.with_name("tiny.tflite")).labels


def test_a_float_operator_is_refused(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = keras.models.load_model(trained.model, compile=False)
    logits: Any = network.output
    floating = keras.Model(network.input, logits + 0.1 * keras.ops.sin(logits))

    assert convert(trained, save_beside_report(floating, trained, tmp_path / "run"), tmp_path / "out" / "tiny") == 1

    assert "SIN" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_mistakes_are_one_sentence(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other_labels = keras.Sequential(
        [keras.Input((48, 48, 1)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)]
    )
    alone = tmp_path / "alone.keras"
    shutil.copy(trained.model, alone)
    text = tmp_path / "text.keras"
    text.write_text("not a model")
    shutil.copy(trained.out / "tiny.json", tmp_path / "text.json")
    for model, said in [
        (tmp_path / "none.keras", "no such file"),
        (alone, "alone.toml beside it has to say what the file cannot"),
        (text, "not a Keras model"),
        (save_beside_report(other_labels, trained, tmp_path / "three"), "8 labels are named"),
    ]:
        assert convert(trained, model, tmp_path / "out" / "tiny") == 2
        message = capsys.readouterr().err
        assert said in message
        assert "Traceback" not in message
    assert not (tmp_path / "out").exists()
