from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from keras import ops
from pydantic import ValidationError

from edge.inference.labels import FACE
from edge.inference.outputs import softmax
from tests.train import synthetic
from train.datasets import DataError, are_faces, ferplus
from train.datasets.negatives import fingerprint
from train.heads import model_columns
from train.losses import Distillation, HeadsLoss, MainAccuracy
from train.recipes import DataConfig
from train.targets import training_examples, validation_examples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from train.examples import Examples


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> synthetic.Run:
    run = synthetic.data_set(tmp_path_factory.mktemp("examples") / "data")
    lines = run.ferplus.read_text().splitlines()
    columns = lines[0].split(",")
    for row, winner in ((1, "NF"), (2, "unknown")):  # the file's first two faces
        votes = dict.fromkeys(synthetic.VOTES, "0") | {winner: "10"}
        lines[row] = ",".join(votes.get(name, "") for name in columns)
    run.ferplus.write_text("\n".join(lines) + "\n")
    return run


def examples(run: synthetic.Run, data: DataConfig) -> Examples:
    return training_examples(data, run.fer2013, run.ferplus, None)


EVERYTHING = DataConfig(training="ferplus", also="fer2013", also_weight=0.5, clutter=30, face_weight=0.25)


def test_each_picture_teaches_what_is_known_of_it(data: synthetic.Run) -> None:
    taught = examples(data, EVERYTHING)
    votes, face, also = (taught.targets[:, head.columns] for head in taught.heads)
    assert [head.name for head in taught.heads] == ["ferplus", FACE, "fer2013"]
    assert len(taught) == 400 + 30
    assert (votes[0].sum(), face[0, 0], also[0].sum()) == (0, 0, 0)  # no face, as the votes say
    assert (votes[1].sum(), face[1, 0], also[1].sum()) == (0, 1, 1)  # a face of which FER+ knows nothing
    assert votes[2:400].sum(axis=1) == pytest.approx(1)
    assert not taught.targets[400:].any()  # clutter
    assert taught.rows() == {"ferplus Training": 398, "fer2013 Training": 399, "no face": 31}


def test_alone_it_is_the_votes(data: synthetic.Run) -> None:
    taught = examples(data, DataConfig())
    assert taught.targets.shape == (398, 8)
    assert model_columns(taught.heads, taught.heads[0]) == (ferplus.LABELS, list(range(8)))


def test_teachers_answer_for_faces_without_labels_too(data: synthetic.Run) -> None:
    asked = examples(data, DataConfig(teachers=(Path("teacher.npz"),)))
    assert len(asked) == 399  # all but what is no face
    assert not asked.targets[0].any()


def test_a_models_columns_are_its_own_and_the_faces(data: synthetic.Run) -> None:
    taught = examples(data, EVERYTHING)
    labels, columns = model_columns(taught.heads, taught.heads[2])
    assert labels == (*taught.heads[2].labels, FACE)
    assert columns == [*range(9, 16), 8]


def test_validation_asks_what_the_model_is_for(data: synthetic.Run) -> None:
    asked = validation_examples(EVERYTHING, data.fer2013, data.ferplus)
    assert asked.targets[:, :8].sum(axis=1) == pytest.approx(1)
    assert (asked.targets[:, 8] == 1).all()
    assert not asked.targets[:, 9:].any()


def test_what_else_it_learned_from_is_told(data: synthetic.Run, tmp_path: Path) -> None:
    taught = examples(data, EVERYTHING)
    assert taught.sources["clips"] == "none"
    assert taught.sources["negatives"] == fingerprint(taught.pixels[400:])
    with pytest.raises(DataError, match="no such folder of clips"):
        training_examples(EVERYTHING, data.fer2013, data.ferplus, tmp_path / "none")


def test_the_same_labels_twice_are_refused() -> None:
    with pytest.raises(ValidationError, match="other labels than training's"):
        DataConfig(training="fer2013", also="fer2013")


def test_pictures_that_fer2013_calls_faces_and_nobody_else_does_are_none(data: synthetic.Run) -> None:
    known = are_faces("fer2013", "Training", data.fer2013, data.ferplus)
    assert known.shape == (400,)
    assert known.tolist() == [False] + [True] * 399
    assert are_faces("ferplus", "Training", data.fer2013, data.ferplus).all()


def test_the_loss_is_that_of_each_head_by_its_weight(data: synthetic.Run) -> None:
    heads = examples(data, EVERYTHING).heads
    said = np.zeros((3, 16), np.float32)
    wanted = np.zeros((3, 16), np.float32)
    wanted[0, [0, 8, 9]] = 1  # everything is known
    wanted[1, 8] = 1  # a face, nothing else
    losses = ops.convert_to_numpy(HeadsLoss(heads).call(wanted, said))
    assert losses == pytest.approx(
        [np.log(8) + 0.25 * np.log(2) + 0.5 * np.log(7), 0.25 * np.log(2), 0.25 * np.log(2)], abs=1e-5
    )


def test_teachers_answers_are_learned_beside_labels_and_alone_where_there_are_none(data: synthetic.Run) -> None:
    heads = examples(data, EVERYTHING).heads
    loss = HeadsLoss(heads, Distillation(weight=0.7, temperature=2.0, taught=frozenset({"ferplus", FACE})))
    targets = np.zeros((4, 16), np.float32)
    targets[0, [0, 8, 9]] = 1  # everything is known
    targets[1, 8] = 1  # a face, nothing else
    targets[2, [0, 8]] = 0.5  # mixed with what is no face; nothing of row 3 is known: it is no face
    logits = np.random.default_rng(2).normal(size=(4, 16)).astype(np.float32)
    answers = np.zeros((4, 16), np.float32)
    answers[:, :8] = softmax(np.random.default_rng(3).normal(size=(4, 8)).astype(np.float32))
    answers[:, 8] = 0.9

    def entropy(wanted: NDArray[Any], given: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(-(wanted * np.log(softmax(given))).sum(axis=1))

    def binary(wanted: NDArray[Any], given: NDArray[Any]) -> NDArray[Any]:
        p = 1 / (1 + np.exp(-given))
        return np.asarray(-(wanted * np.log(p) + (1 - wanted) * np.log(1 - p)))

    said = entropy(answers[:, :8], logits[:, :8] / 2) * 4
    expected = 0.3 * entropy(targets[:, :8], logits[:, :8]) + said * np.array([0.7, 1.0, (1 - 0.3 * 0.5) * 0.5, 0.0])
    face = 0.3 * binary(0.02 + targets[:, 8] * 0.96, logits[:, 8]) + 0.7 * 4 * binary(answers[:, 8], logits[:, 8] / 2)
    expected += 0.25 * face + 0.5 * entropy(targets[:, 9:], logits[:, 9:])
    found = ops.convert_to_numpy(loss.call(targets, np.concatenate([logits, answers], axis=1)))
    assert found == pytest.approx(expected, abs=1e-5)


def test_a_head_without_targets_learns_nothing(data: synthetic.Run) -> None:
    """TensorFlow's own cross-entropy does not give that: its gradient takes targets to sum to 1."""
    heads = examples(data, EVERYTHING).heads
    columns = keras.Variable(np.random.default_rng(0).normal(size=(1, 16)).astype(np.float32))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(16, use_bias=False)])
    model.layers[0].set_weights([columns.numpy()])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss=HeadsLoss(heads))
    wanted = np.zeros((1, 16), np.float32)
    model.fit(np.ones((1, 1), np.float32), wanted, verbose=0)
    change = model.layers[0].get_weights()[0] - columns.numpy()
    assert change[0, 8] < 0  # no face
    assert np.delete(change[0], 8) == pytest.approx(0)


def test_accuracy_is_of_the_first_head_where_it_is_taught(data: synthetic.Run) -> None:
    metric = MainAccuracy(examples(data, EVERYTHING).heads)
    wanted, said = np.zeros((3, 16), np.float32), np.zeros((3, 16), np.float32)
    wanted[0, 2] = wanted[1, 3] = 1
    said[0, [2, 8]], said[1, 4], said[2, 1] = (1, 9), 1, 1
    metric.update_state(wanted, said)
    assert float(metric.result()) == 0.5
