from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from keras import ops
from pydantic import ValidationError

from edge.inference.bundle import SHIPPED
from edge.inference.outputs import FACE
from tests.train import synthetic
from train.datasets import DataError, are_faces, ferplus
from train.losses import HeadsLoss, MainAccuracy
from train.recipes import DataConfig, RecipeError
from train.targets import Examples, training_examples, validation_examples

if TYPE_CHECKING:
    from pathlib import Path


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
    assert taught.model_columns(taught.heads[0]) == (ferplus.LABELS, list(range(8)))


def test_a_models_columns_are_its_own_and_the_faces(data: synthetic.Run) -> None:
    taught = examples(data, EVERYTHING)
    labels, columns = taught.model_columns(taught.heads[2])
    assert labels == (*taught.heads[2].labels, FACE)
    assert columns == [*range(9, 16), 8]


def test_validation_asks_what_the_model_is_for(data: synthetic.Run) -> None:
    asked = validation_examples(EVERYTHING, data.fer2013, data.ferplus)
    assert asked.targets[:, :8].sum(axis=1) == pytest.approx(1)
    assert (asked.targets[:, 8] == 1).all()
    assert not asked.targets[:, 9:].any()


def test_a_teacher_speaks_beside_the_votes_and_where_there_are_none(data: synthetic.Run) -> None:
    votes = examples(data, EVERYTHING).targets
    half, alone = (
        examples(data, EVERYTHING.model_copy(update={"teachers": (SHIPPED,), "teacher_weight": weight})).targets
        for weight in (0.5, 1.0)
    )
    assert half[2:400, :8] == pytest.approx((votes[2:400, :8] + alone[2:400, :8]) / 2, abs=1e-6)
    assert np.ptp(alone[2:400, :8], axis=0).max() > 0  # it does not say the same of all
    assert half[1, :8] == pytest.approx(alone[1, :8])
    assert half[1, :8].sum() == pytest.approx(1)
    assert not half[0].any()
    assert (half[:, 8:] == votes[:, 8:]).all()


def test_each_teacher_teaches_the_head_that_has_its_labels(data: synthetic.Run) -> None:
    other = SHIPPED.with_name("emotion-fer2013.tflite")
    plain, one, both, twice = (
        examples(data, EVERYTHING.model_copy(update={"teachers": teachers})).targets
        for teachers in ((), (other,), (SHIPPED, other), (other, other))
    )
    assert (one[:, :9] == plain[:, :9]).all()
    assert not (one[:, 9:] == plain[:, 9:]).all()
    assert (both[:, 9:] == one[:, 9:]).all()
    assert not (both[:, :8] == plain[:, :8]).all()
    assert twice == pytest.approx(one)


def test_what_else_it_learned_from_is_told(data: synthetic.Run, tmp_path: Path) -> None:
    taught = examples(data, EVERYTHING.model_copy(update={"teachers": (SHIPPED,)}))
    assert taught.sources["clips"] == "none"
    assert len(taught.sources["ferplus teachers"]) == 64
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


def test_a_teacher_of_other_labels_is_refused(data: synthetic.Run) -> None:
    with pytest.raises(RecipeError, match=r"data\.teachers: .*its labels are .*contempt"):
        examples(data, DataConfig(training="fer2013", teachers=(SHIPPED,)))
    with pytest.raises(RecipeError, match=r"data\.teachers: .*none\.tflite"):
        examples(data, DataConfig(teachers=(SHIPPED.with_name("none.tflite"),)))


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
