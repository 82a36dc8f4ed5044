"""Every gate is seen to fail: each model here is broken in the way that one gate exists for."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from convert import gates
from convert.__main__ import main
from convert.gates import AccuracyGates, Answers, GateResult, Limits
from convert.load import load
from convert.reference import make_reference
from edge.inference.bundle import ModelBundle
from edge.inference.outputs import Logits, OutputLabels
from tests.train.synthetic import Run, call
from train import datasets
from train.datasets import Faces, ferplus
from train.evaluate.metrics import Pair, measure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.convert.conftest import Converted
    from train.evaluate.metrics import Metrics


def beside_toml(trained: Run, folder: Path, labels: Sequence[str] = ferplus.LABELS, white: float = 255.0) -> Path:
    """Put the trained model beside a TOML file instead of its report."""
    shutil.copy(trained.model, folder)
    (folder / "tiny.toml").write_text(
        f"labels = {json.dumps(list(labels))}\n"
        'protocol = "ferplus-majority"\n'
        f"[input]\nrange = [0.0, {white}]\nmean = [0.0]\nstd = [1.0]\n",
        encoding="utf-8",
    )
    return folder / "tiny.keras"


def convert(trained: Run, model: Path, *more: str) -> int:
    out = str(model.parent / "out" / "tiny")
    return call(main, [str(model), *trained.data, "--out", out, "--calibration-faces", "64", *more])


@pytest.fixture(scope="module")
def loosened(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bundle of other limits, whose model was beside a TOML file."""
    folder = tmp_path_factory.mktemp("loosened")
    looser = ("--max-drop", "5", "--min-agreement", "90", "--max-recall-drop", "1")
    assert convert(trained, beside_toml(trained, folder), *looser) == 0
    return folder / "out"


def test_a_toml_says_as_much_as_a_report(loosened: Path, converted: Converted) -> None:
    assert (loosened / "tiny.tflite").read_bytes() == converted.network.read_bytes()


def test_a_wrong_scale_is_named(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert(trained, beside_toml(trained, tmp_path, white=1.0)) == 1
    said = capsys.readouterr().err
    assert "scaling of the pixels: with pixels as 0 to 255 it reads 100.0% of 200 validation faces instead of" in said
    assert not (tmp_path / "out").exists()


def test_shuffled_labels_are_named(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shuffled = [*ferplus.LABELS[1:], ferplus.LABELS[0]]
    assert convert(trained, beside_toml(trained, tmp_path, labels=shuffled)) == 1
    said = capsys.readouterr().err
    assert "order of the labels: in another order of the labels 100.0 points more faces would be right" in said
    assert "what it calls contempt is angry" in said
    assert not (tmp_path / "out").exists()


CONFUSION = np.array([
    [237, 0, 2, 1, 7, 20, 12, 8],
    [0, 5, 0, 0, 0, 7, 1, 0],
    [5, 0, 12, 0, 0, 3, 4, 0],
    [0, 0, 0, 39, 0, 3, 5, 15],
    [4, 1, 0, 0, 823, 24, 4, 9],
    [9, 1, 0, 2, 36, 1030, 85, 19],
    [5, 0, 0, 5, 10, 78, 250, 3],
    [5, 0, 0, 3, 9, 16, 1, 381],
])  # fmt: skip
"""Of `emotion` in float on the validation faces; contempt, disgust and fear are rare."""


def confused(confusion: NDArray[np.int_]) -> Metrics:
    truth, predicted = (np.repeat(axis.ravel(), confusion.ravel()) for axis in np.indices(confusion.shape))
    return measure(np.eye(len(confusion), dtype=np.float32)[predicted], truth, ferplus.LABELS)


@pytest.mark.parametrize("names", [("contempt", "disgust"), ("contempt", "fear"), ("disgust", "fear")])
def test_rare_labels_that_are_swapped_are_named(names: tuple[str, str]) -> None:
    one, other = (ferplus.LABELS.index(name) for name in names)
    swapped = CONFUSION.copy()
    swapped[:, [one, other]] = CONFUSION[:, [other, one]]
    failed = gates.labels_in_order(confused(swapped), 2.0, 0.01)
    assert not failed.holds
    assert f"what it calls {names[1]} is {names[0]}; what it calls {names[0]} is {names[1]}" in failed.sentence
    assert failed.option == "--min-order-p 0"
    assert gates.labels_in_order(confused(swapped), 2.0, 0.0).holds


def test_a_network_that_hardly_knows_a_rare_label_is_not_taken_for_one_of_swapped_labels() -> None:
    assert gates.labels_in_order(confused(CONFUSION), 2.0, 0.01).holds
    weak = CONFUSION.copy()
    weak[1] = [0, 1, 3, 0, 0, 8, 1, 0]
    weak[2] = [6, 5, 6, 0, 0, 3, 4, 0]
    result = gates.labels_in_order(confused(weak), 2.0, 0.01)
    assert result.measured == "0.03 points, p 0.5"
    assert result.holds


def test_a_network_that_is_not_its_source_is_named(trained: Run) -> None:
    source = load(trained.model)
    faces = datasets.load("ferplus-majority", "PublicTest", trained.fer2013, trained.ferplus)
    assert make_reference(source, faces, Limits(), lambda _: None).result.holds
    other = replace(source, run=lambda pictures: source.run(pictures * np.float32(0.9)))
    failed = make_reference(other, faces, Limits(), lambda _: None).result
    assert (failed.gate, failed.holds) == ("float as the source", False)
    assert "pixels, layout or labels are not read alike" in failed.sentence


def test_what_is_too_large_is_named(trained: Run, converted: Converted, capsys: pytest.CaptureFixture[str]) -> None:
    check = ["check", str(converted.network), *trained.data]
    assert call(main, [*check, "--max-bytes", "1000", "--max-macs", "1000", "--max-arena", "1000"]) == 1
    said = capsys.readouterr().err
    enough = []
    for option, gate in [("--max-bytes", "size"), ("--max-macs", "multiply-accumulates"), ("--max-arena", "arena")]:
        assert f"it does not pass: {gate}: " in said
        enough += re.findall(rf"\(({option}) (\d+) would let it pass\)", said)
    assert len(enough) == 3
    assert call(main, [*check, *(word for pair in enough for word in pair)]) == 0


def test_answers_that_differ_at_equal_accuracy_are_named() -> None:
    pair = Pair(n=1000, only_first=40, only_second=40, p=1.0)
    assert gates.predictions_kept("litert", pair, 0.97, 97.0).holds
    failed = gates.predictions_kept("litert", pair, 0.92, 97.0)
    assert not failed.holds
    assert "answers 92.00 % of 1,000 validation faces as float does, but 97.00 % are wanted" in failed.sentence
    assert "only float is right on 40, only int8 on 40" in failed.sentence


def judged(right: Sequence[int], of: Sequence[int]) -> Metrics:
    """Metrics of labels a and b, so many right of so many faces each."""
    truth = np.repeat([0, 1], of)
    answers = np.concatenate(
        [np.where(np.arange(n) < r, t, 1 - t) for t, (r, n) in enumerate(zip(right, of, strict=True))]
    )
    return measure(np.eye(2, dtype=np.float32)[answers], truth, ("a", "b"))


def test_a_label_that_pays_for_the_others_is_named() -> None:
    of = (200, 200)
    failed = gates.recalls_kept("litert", judged((150, 150), of), judged((158, 142), of), 3.0)
    assert not failed.holds
    assert failed.sentence == "b loses 4.00 points of recall in litert (200 faces), but 3.00 are allowed"
    assert gates.recalls_kept("litert", judged((150, 150), of), judged((145, 155), of), 3.0).holds


@pytest.mark.parametrize(
    ("result", "named"),
    [
        (gates.predictions_kept("litert", Pair(n=1000, only_first=40, only_second=40, p=1.0), 0.9247, 97.0), "92.47"),
        (gates.accuracy_kept("litert", 0.85, judged((150, 150), (200, 200)), 0.5), "--max-drop 10"),
        (gates.recalls_kept("litert", judged((150, 150), (200, 200)), judged((158, 142), (200, 200)), 3), "drop 4"),
        (
            gates.face_kept("litert", "faces", np.zeros(9, np.float32), np.full(9, 0.031, np.float32), 2.0),
            "face-drift 3.1",
        ),
        (gates.same_as_source(np.zeros((1, 2), np.float32), np.full((1, 2), 0.0123, np.float32), 1e-3), "0.0123"),
        (gates.above_majority("accuracy", judged((110, 100), (200, 200)), 5.0), "--min-above-majority 2.5"),
    ],
    ids=lambda case: "" if isinstance(case, str) else case.gate,
)
def test_a_gate_that_fails_names_the_option_that_would_let_it_pass(result: GateResult, named: str) -> None:
    assert not result.holds
    assert result.option.endswith(named)
    assert result.option.startswith("--")


def test_a_model_of_which_only_the_simplified_one_runs_says_so() -> None:
    same = np.zeros((1, 2), np.float32)
    assert gates.same_as_source(same, same, 1e-3, simplified=True).measured == "0.0e+00, simplified by onnxsim"


FACE_SCORES = np.full(100, 4.2, np.float32)
CLUTTER_SCORES = np.linspace(-4, 0, 40, dtype=np.float32)


def answers(faces: NDArray[np.float32], clutter: NDArray[np.float32]) -> Answers:
    """Answers that are right about every face, with these logits of being one."""
    right = np.eye(2, dtype=np.float32)[np.arange(len(faces)) % 2]
    return Answers(Logits(right, faces), Logits(np.zeros((len(clutter), 2), np.float32), clutter))


def test_a_face_output_that_always_says_the_same_is_named() -> None:
    right = answers(FACE_SCORES, CLUTTER_SCORES)
    faces = Faces(np.zeros((100, 48, 48), np.uint8), right.faces.emotions, ("happy", "sad"))
    outputs = OutputLabels(faces.labels, has_face=True)
    pictures = np.zeros((40, 48, 48), np.uint8)
    judge = AccuracyGates(outputs, right, faces, pictures, Limits(), lambda _, __: lambda _: None)
    assert all(result.holds for result in judge.compare("litert", right, Limits()))
    dead = judge.compare("litert", answers(FACE_SCORES, np.full_like(CLUTTER_SCORES, 4.2)), Limits())
    (failed,) = [result for result in dead if not result.holds]
    assert failed.gate == "face score of clutter in litert"


@pytest.mark.parametrize(
    ("clutter", "measured", "holds"),
    [
        (CLUTTER_SCORES, "1.0000", True),
        (np.where(np.arange(40) < 4, 5, CLUTTER_SCORES), "0.9000", True),
        (np.where(np.arange(40) < 5, 5, CLUTTER_SCORES), "0.8750", False),
        (np.full(40, 4.2, np.float32), "0.5000", False),
        (np.full(40, np.nan, np.float32), "0.0000", False),
    ],
    ids=["below", "a tenth above", "an eighth above", "the same", "nan"],
)
def test_a_face_score_has_to_separate_faces_from_clutter(
    clutter: NDArray[np.float32], measured: str, *, holds: bool
) -> None:
    result = gates.faces_above_clutter("faces above clutter", FACE_SCORES, clutter, 0.9)
    assert (result.measured, result.holds) == (measured, holds)
    assert holds or result.option == f"--min-face-auc {float(measured[:4]):g}"


def test_nothing_loosens_what_is_not_finite() -> None:
    broken = gates.same_as_source(np.zeros((1, 2), np.float32), np.full((1, 2), np.nan, np.float32), 1e-3)
    assert (broken.holds, broken.option) == (False, "")


def test_a_model_that_always_gives_one_answer_is_refused(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = keras.models.load_model(trained.model, compile=False)
    weights = network.layers[-1].get_weights()
    weights[-1][ferplus.LABELS.index("happy")] += 1e3
    network.layers[-1].set_weights(weights)
    network.save(tmp_path / "tiny.keras")
    shutil.copy(trained.out / "tiny.json", tmp_path)
    assert convert(trained, tmp_path / "tiny.keras") == 1
    said = capsys.readouterr()
    assert "12.5%; always angry 12.5%" in said.out
    assert (
        "no bundle is written: accuracy: 12.50% of 200 validation faces are right; always answering angry would make "
        "12.50% right, and 5.00 points more are wanted (--min-above-majority 0 would let it pass)"
    ) in said.err
    assert not (tmp_path / "out").exists()


def test_a_label_with_few_faces_is_not_guarded() -> None:
    of = (200, 99)
    assert gates.recalls_kept("litert", judged((150, 60), of), judged((150, 10), of), 3.0).holds


def test_what_is_looser_than_the_projects_own_limit_is_written_into_the_card(loosened: Path) -> None:
    card = ModelBundle.load(loosened / "tiny.tflite").card
    assert (card.model_extra or {})["quantisation"]["loosened"] == {"max_drop": 5.0, "min_agreement": 90.0}
    page = (loosened / "tiny.md").read_text(encoding="utf-8")
    assert "**loosened**: max drop 5" in page
