"""What stands beside a model, and every way in which it can be wrong: one sentence each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from convert.errors import ModelError
from convert.scaling import PLAIN, Scaling
from convert.sidecar import WANTED
from convert.spec import FileFacts, complete
from tests.train import synthetic
from train import recipes
from train.datasets import DataError
from train.report import TrainingReport

if TYPE_CHECKING:
    from pathlib import Path

GRAY = FileFacts(height=32, width=24, channels=1, outputs=("answer",))
COLOUR = FileFacts(height=32, width=32, channels=3, outputs=("answer",))
SILENT = FileFacts(height=None, width=None, channels=None, outputs=("age", "emotion"))

WHOLE = """
labels = ["surprise", "angry", "happy", "sad"]
protocol = "ferplus-majority"
description = "Learned from four gratings."
[input]
range = [0.0, 1.0]
mean = [0.5]
std = [0.25]
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Where the model would be; what it says of itself is told by the tests."""
    return tmp_path / "tiny.onnx"


def beside(model: Path, text: str) -> Path:
    model.with_suffix(".toml").write_text(text)
    return model


def refusal(model: Path, facts: FileFacts) -> str:
    with pytest.raises(ModelError) as caught:
        complete(model, facts)
    return str(caught.value)


def test_file_and_sidecar_together_say_all(model: Path) -> None:
    spec = complete(beside(model, WHOLE), GRAY)
    assert spec.labels == ("surprise", "angry", "happy", "sad")
    assert (spec.width, spec.height, spec.channels, spec.output) == (24, 32, 1, "answer")
    assert spec.scaling == Scaling(range=(0, 1), mean=(0.5,), std=(0.25,))
    assert (spec.protocol, spec.training) == ("ferplus-majority", "ferplus")
    assert spec.trained == {
        "source": "tiny.onnx",
        "protocol": "ferplus-majority",
        "description": "Learned from four gratings.",
    }


def test_a_model_s_name_that_is_no_utf_8_goes_into_the_card(tmp_path: Path) -> None:
    spec = complete(beside(tmp_path / os.fsdecode(b"caf\xe9.onnx"), WHOLE), GRAY)
    assert spec.trained["source"] == "caf?.onnx"
    spec.model_dump_json()


def test_a_model_of_fer2013_is_calibrated_on_fer2013(model: Path) -> None:
    spec = complete(beside(model, WHOLE.replace("ferplus-majority", "fer2013")), GRAY)
    assert spec.training == "fer2013"


def test_all_that_is_missing_is_asked_for_at_once(model: Path) -> None:
    said = refusal(model, SILENT)
    assert said.startswith(f"{model}: tiny.toml beside it has to say what the file cannot:")
    assert [line.partition(":")[0].strip() for line in said.splitlines()[1:]] == list(WANTED)
    assert "(age, emotion)" in said


def test_names_of_a_strangers_outputs_are_safe_to_show(model: Path) -> None:
    facts = FileFacts(height=32, width=24, channels=1, outputs=("\x1b[2J\nlabels: hello", *["o" * 200] * 50))
    asking = refusal(beside(model, WHOLE), facts)
    assert [line.partition(":")[0].strip() for line in asking.splitlines()[1:]] == ["output"]
    assert "(?[2J?labels: hello, ooo" in asking
    disagreeing = refusal(beside(model, 'output = "\\u001b[2J"\n' + WHOLE), facts)
    assert "output: there is no ?[2J; the outputs are ?[2J?labels: hello, ooo" in disagreeing
    for said in (asking, disagreeing):
        assert all(line.isprintable() and len(line) < 600 for line in said.splitlines())


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('labels = ["surprise", "angry", "happy", "sad"]', "labels"),
        ('protocol = "ferplus-majority"', "protocol"),
        ("range = [0.0, 1.0]", "input.range"),
        ("mean = [0.5]", "input.mean"),
        ("std = [0.25]", "input.std"),
    ],
)
def test_only_what_is_missing_is_asked_for(line: str, key: str, model: Path) -> None:
    said = refusal(beside(model, WHOLE.replace(line, "")), GRAY)
    assert said.splitlines()[1:] == [f"  {key}: {WANTED[key]}"]


def test_what_the_file_leaves_open_is_said_beside_it(model: Path) -> None:
    text = 'output = "emotion"\n' + WHOLE + "size = [24, 32]\nchannels = 3\n"
    spec = complete(beside(model, text), SILENT)
    assert (spec.width, spec.height, spec.channels, spec.output) == (24, 32, 3, "emotion")


def test_one_number_serves_every_channel(model: Path) -> None:
    scaling = complete(beside(model, WHOLE), COLOUR).scaling
    assert (scaling.mean, scaling.std) == ((0.5,) * 3, (0.25,) * 3)


@pytest.mark.parametrize(
    ("facts", "before", "after", "sentence"),
    [
        (GRAY, '"sad"', '"bored"', "labels: bored: not among angry, contempt, disgust, fear, happy, neutral, sad,"),
        (GRAY, '"sad"', '"happy"', "labels: a label occurs twice in surprise, angry, happy, happy"),
        (COLOUR, "[0.5]", "[0.5, 0.5]", "input.mean: 2 numbers for 3 channel"),
        (COLOUR, "[0.25]", "[0.25, 0.25]", "input.std: 2 numbers for 3 channel"),
        (GRAY, "[0.5]", "[]", "input.mean: 0 numbers for 1 channel"),
        (GRAY, "[0.5]", "0.5", "input.mean: must be a list"),
        (GRAY, "[0.5]", "[nan]", "input.mean: must be a finite number"),
        (GRAY, "[0.25]", "[inf]", "input.std: must be a finite number"),
        (GRAY, "[0.25]", "[0.0]", "input.std: a deviation is greater than 0"),
        (COLOUR, "[0.25]", "[0.25, -0.25, 0.25]", "input.std: a deviation is greater than 0"),
        (GRAY, "[0.0, 1.0]", "[1.0, 1.0]", "input.range: black and white are the same"),
        (GRAY, "[0.0, 1.0]", "[1.0]", "input.range: must have at least 2 entries"),
        (GRAY, "std =", "size = [48, 32]\nstd =", "input.size: its width is 48, but the file says 24"),
        (GRAY, "std =", "size = [24, 48]\nstd =", "input.size: its height is 48, but the file says 32"),
        (SILENT, "std =", "size = [0, 48]\nstd =", "input.size: must be greater than 0"),
        (SILENT, "std =", "size = [1025, 48]\nstd =", "input.size: must be at most 1,024"),
        (GRAY, "std =", "channels = 3\nstd =", "input.channels: 3, but the file says 1"),
        (SILENT, "std =", "channels = 4\nstd =", "input.channels: must be 1 or 3"),
        (GRAY, "protocol", 'output = "smile"\nprotocol', "output: there is no smile; the outputs are answer"),
        (GRAY, "ferplus-majority", "affectnet", "protocol: must be"),
        (GRAY, "description", "temperature", "temperature: there is no such key; it may say labels,"),
        (GRAY, "std =", "gamma = 2.2\nstd =", "input.gamma: there is no such key; it may say labels,"),
        (GRAY, "[input]", "[input", "not TOML: "),
    ],
)  # fmt: skip
def test_a_disagreement_is_one_sentence(facts: FileFacts, before: str, after: str, sentence: str, model: Path) -> None:
    assert before in WHOLE
    said = refusal(beside(model, WHOLE.replace(before, after)), facts)
    assert said.startswith(f"{model.with_suffix('.toml')}: {sentence}")
    assert "\n" not in said


def test_a_picture_beside_it_is_no_toml(model: Path) -> None:
    model.with_suffix(".toml").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    assert "not UTF-8 text" in refusal(model, GRAY)


def report(folder: Path) -> TrainingReport:
    recipe = folder / "recipe.toml"
    recipe.write_text(synthetic.RECIPE)
    return TrainingReport(
        name="tiny",
        labels=("happy", "sad"),
        protocol="ferplus-majority",
        recipe=recipes.load(recipe),
        rows={"ferplus Training": 400},
        parameters=1,
        macs=1,
        epochs=synthetic.EPOCHS,
        wall_s=None,
        history={},
        metrics={},
    )


def test_a_report_of_training_replaces_the_toml(model: Path) -> None:
    model.with_suffix(".json").write_text(report(model.parent).model_dump_json())
    spec = complete(model, GRAY)
    assert (spec.labels, spec.protocol, spec.scaling) == (("happy", "sad"), "ferplus-majority", PLAIN)
    assert spec.trained["recipe"] == "tiny"
    assert spec.trained["data"] == "ferplus, 400 faces of FER2013's Training split"
    assert complete(beside(model, WHOLE), GRAY).labels == ("surprise", "angry", "happy", "sad")


def test_priors_are_those_of_the_report_where_it_has_them(model: Path) -> None:
    written, priors = report(model.parent), {"happy": 0.5, "sad": 0.5}
    for told, expected in ((priors, priors), ({}, None)):
        text = written.model_copy(update={"priors": told}).model_dump_json()
        model.with_suffix(".json").write_text(text)
        assert complete(model, GRAY).priors == expected
    for told, said in (({"happy": 0.5}, "the sum .* is 0.5 and not 1"), ({"happy": -1.0}, "happy: must be")):
        model.with_suffix(".json").write_text(written.model_copy(update={"priors": told}).model_dump_json())
        with pytest.raises((ModelError, DataError), match=f"priors.*{said}"):
            complete(model, GRAY)
    assert complete(beside(model, WHOLE), GRAY).priors is None


def test_a_damaged_report_is_named(model: Path) -> None:
    long = report(model.parent).model_dump_json().replace("happy", "h" + "a" * 200 + "ppy", 1)
    for text, said in (
        ('{"schema": 1', "the file: Invalid JSON"),
        (long, "labels.0: must have at most 200 characters"),
    ):
        model.with_suffix(".json").write_text(text)
        with pytest.raises(DataError, match=rf"tiny\.json: not a training report: {said}"):
            complete(model, GRAY)


@pytest.mark.parametrize(
    ("scaling", "black", "gray", "white"),
    [
        (PLAIN, 0, 51, 255),
        (Scaling(range=(0, 1), mean=(0,), std=(1,)), 0, 0.2, 1),
        (Scaling(range=(-1, 1), mean=(0,), std=(1,)), -1, -0.6, 1),
        (Scaling(range=(0, 1), mean=(0.5,), std=(0.25,)), -2, -1.2, 2),
        (Scaling(range=(1, 0), mean=(0,), std=(1,)), 1, 0.8, 0),
    ],
)
def test_scaling_is_range_then_mean_then_deviation(scaling: Scaling, black: float, gray: float, white: float) -> None:
    levels = np.array([[[0, 51, 255]]], np.uint8)
    assert scaling.apply(levels).ravel().tolist() == pytest.approx([black, gray, white])
    slope, offset = scaling.affine()
    assert (slope * levels.ravel() + offset).tolist() == pytest.approx([black, gray, white])


def test_every_channel_is_made_of_the_same_gray() -> None:
    scaling = Scaling(range=(0, 1), mean=(0.0, 0.5, 1.0), std=(1.0, 0.5, 0.25))
    assert scaling.apply(np.full((1, 1, 1), 255, np.uint8)).tolist() == [[[[1.0, 1.0, 0.0]]]]


def test_the_name_of_a_folder_has_no_ending(tmp_path: Path) -> None:
    """What stands beside ``fer-1.2`` is not what stands beside ``fer-1.3``."""
    for version, labels in (("1.2", '["sad", "happy"]'), ("1.3", '["angry", "happy"]')):
        (tmp_path / f"fer-{version}").mkdir()
        text = WHOLE.replace('["surprise", "angry", "happy", "sad"]', labels)
        (tmp_path / f"fer-{version}.toml").write_text(text)
    assert complete(tmp_path / "fer-1.2", GRAY).labels == ("sad", "happy")
    assert complete(tmp_path / "fer-1.3", GRAY).labels == ("angry", "happy")
