from __future__ import annotations

import json
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from PIL import Image

from tests.train.synthetic import EPOCHS, PER_LABEL, Run, call
from train import page, report
from train.__main__ import main
from train.datasets import DataError
from train.evaluate.models import keras_logits
from train.networks import ResNetConfig, build
from train.networks.cost import count_macs
from train.plots import confusion, curves

if TYPE_CHECKING:
    from pathlib import Path


def test_the_report_says_what_the_model_is_and_can(trained: Run) -> None:
    written = report.read(trained.out / "tiny.json")
    assert written.recipe.name == written.name == "tiny"
    assert written.epochs == EPOCHS
    assert written.wall_s == pytest.approx(sum(written.history["wall_s"]))
    assert all(len(values) == EPOCHS for values in written.history.values())
    assert set(written.metrics) == {"PublicTest", "PrivateTest", "both"}
    assert set(written.metrics["PrivateTest"]) == {"ferplus-majority", "ferplus-top", "fer2013"}
    majority = written.metrics["PrivateTest"]["ferplus-majority"]
    assert majority.n == written.rows["ferplus-majority PrivateTest"] == 8 * PER_LABEL["PrivateTest"]
    assert majority.accuracy > 0.8
    # contempt became neutral in the original labels, and the model never saw those
    assert set(written.metrics["PrivateTest"]["fer2013"].labels) == set(written.labels) - {"contempt"}
    assert "contempt" in written.metrics["PublicTest"]["ferplus-top"].labels
    assert written.priors == pytest.approx(dict.fromkeys(written.labels, 1 / 8), abs=1 / 40)
    assert sum(written.priors.values()) == pytest.approx(1)


def test_the_report_is_readable(trained: Run) -> None:
    text = (trained.out / "tiny.md").read_text()
    written = report.read(trained.out / "tiny.json")
    assert f"{written.metrics['PrivateTest']['ferplus-majority'].accuracy:.2%}" in text
    assert f"{written.macs:,}" in text
    for name in ("tiny-curves.png", "tiny-confusion.png"):
        assert f"({name})" in text
        with Image.open(trained.out / name) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 400


def test_no_scratch_is_left(trained: Run) -> None:
    assert {path.name for path in trained.out.iterdir()} == {
        "checkpoint", "examples.json", "log.csv", "recipe.json", "tiny-confusion.png", "tiny-curves.png", "tiny.json",
        "tiny.keras", "tiny.md", "tiny.npz",
    }  # fmt: skip


def test_plots_take_one_epoch_and_a_label_without_faces(trained: Run) -> None:
    old = {name: [0.5] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    assert curves(old, "one", "fer2013").startswith(b"\x89PNG")
    metrics = report.read(trained.out / "tiny.json").metrics["PrivateTest"]["fer2013"]
    empty = metrics.model_copy(update={"confusion": ((0,) * 7,) * 7})
    assert confusion(empty, "none").startswith(b"\x89PNG")


def test_curves_show_what_is_measured_alike(trained: Run) -> None:
    history = report.read(trained.out / "tiny.json").history
    drawn = curves(history, "tiny", "fer2013")
    assert curves(history | {"loss": [9.0] * 6, "accuracy": [0.1] * 6}, "tiny", "fer2013") == drawn
    assert curves(history | {"seen_cross_entropy": [9.0] * 6}, "tiny", "fer2013") != drawn


def test_curves_name_the_labels_that_they_are_of(trained: Run, tmp_path: Path) -> None:
    written = report.read(trained.out / "tiny.json")
    second = written.model_copy(update={"name": "tiny-fer2013", "protocol": "fer2013"})
    page.write(second, tmp_path)
    drawn = (tmp_path / "tiny-fer2013-curves.png").read_bytes()
    assert drawn == curves(written.history, "tiny-fer2013", "ferplus-majority")  # the first head's
    assert drawn != curves(written.history, "tiny-fer2013", "fer2013")


def test_a_broken_report_is_told(tmp_path: Path, trained: Run) -> None:
    path = tmp_path / "tiny.json"
    path.write_text("{")
    with pytest.raises(DataError, match=r"tiny\.json: not a training report"):
        report.read(path)
    content = json.loads((trained.out / "tiny.json").read_text())
    del content["labels"]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="labels"):
        report.read(path)


@pytest.mark.parametrize("digits", ["", "0", "zz" * 25, "ff" * 24, "ff" * 26])
def test_which_rows_are_right_must_be_a_bit_for_each(digits: str, tmp_path: Path, trained: Run) -> None:
    content = json.loads((trained.out / "tiny.json").read_text())
    assert len(content["which_right"]["PublicTest"]) == 2 * 25
    content["which_right"]["PublicTest"] = digits
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"which_right: PublicTest must be a bit for each of \d+ rows"):
        report.read(path)


def test_macs_by_hand() -> None:
    pixels = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3, padding="same")(pixels)  # 8*8 * 3*3*1*4 = 2304
    x = keras.layers.DepthwiseConv2D(3, strides=2, padding="same")(x)  # 4*4 * 3*3*4 = 576
    x = keras.layers.GlobalAveragePooling2D()(x)
    inner = keras.Model(pixels, keras.layers.Dense(5)(x))  # 4*5 = 20
    assert count_macs(inner) == 2304 + 576 + 20
    assert count_macs(keras.Sequential([keras.Input((8, 8, 1)), inner])) == 2304 + 576 + 20


def test_the_first_recipe_keeps_its_budget() -> None:
    model = build(ResNetConfig(stem=16, widths=(32, 64, 160), blocks=(1, 2, 2)), 8)
    assert count_macs(model) < 60e6
    assert model.count_params() < 1.2e6


def test_a_file_that_is_no_model_is_told(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.keras").write_text("no model")
    (tmp_path / "tiny.json").write_bytes((trained.out / "tiny.json").read_bytes())
    assert call(main, ["evaluate", str(tmp_path / "tiny.keras"), *trained.data]) == 2
    assert "not a Keras model" in capsys.readouterr().err


def test_recipes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(main, ["recipes"]) == 0
    assert "emotion-tiny.toml" in capsys.readouterr().out


def test_logits_come_from_gray_levels(trained: Run) -> None:
    model = keras.models.load_model(trained.model, compile=False)
    faces = np.zeros((3, 48, 48), np.uint8)
    assert keras_logits(model)(faces).shape == (3, 8)
