from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from train import recipes
from train.fit import fit, training_model
from train.log import read_log
from train.optimizers import make_optimizer
from train.recipes import ScheduleConfig
from train.sharpness import SharpnessAwareModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.train.synthetic import Run
    from train.examples import Examples

RADIUS, RATE = 0.5, 0.1


class Twice(keras.layers.Layer):  # type: ignore[misc]  # keras has no types
    """An augmentation that can be told from none."""

    def call(self, pictures: Any, *, training: bool = False) -> Any:
        return 2 * pictures if training else pictures


def linear(augmentation: keras.layers.Layer | None, start: NDArray[np.float32]) -> SharpnessAwareModel:
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    inner.set_weights([start[:, None]])
    model = SharpnessAwareModel(inner, augmentation, RADIUS)
    model.compile(make_optimizer(ScheduleConfig(learning_rate=RATE, decay="constant", warmup_epochs=0), 1), "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def slope(weights: Any, x: Any, y: Any) -> Any:
    """The gradient of the mean squared error."""
    return 2 * x.T @ (x @ weights - y) / len(x)


@pytest.mark.parametrize(("count", "half"), [(6, 3), (5, 3), (1, 1)])
def test_a_step_takes_the_gradient_of_the_worst_weights_nearby(count: int, half: int) -> None:
    random = np.random.default_rng(4)
    x, y = random.normal(size=(count, 2)).astype(np.float32), random.normal(size=count).astype(np.float32)
    start = np.array([0.3, -0.2], np.float32)
    model = linear(Twice(), start)
    model.train_on_batch(x, y[:, None])

    seen = 2 * x
    climb = slope(start, seen[:half], y[:half])
    gradient = slope(start + RADIUS * climb / np.linalg.norm(climb), seen, y)
    optimizer = model.optimizer
    average = next(variable for variable in optimizer.variables if "momentum" in variable.path)
    taken = np.asarray(average)[:, 0] / (1 - optimizer.beta_1)
    assert taken == pytest.approx(gradient, rel=1e-4)
    decayed = start * (1 - RATE * optimizer.weight_decay)
    after = model.get_weights()[0][:, 0]
    assert after == pytest.approx(decayed - RATE * np.sign(gradient), abs=1e-4)  # from where it was, not from the climb


def test_pictures_are_augmented_in_training_alone() -> None:
    model = linear(Twice(), np.ones(2, np.float32))
    pictures = np.array([[1, 2]], np.float32)
    assert float(model.predict(pictures, verbose=0)[0, 0]) == 3
    model.train_on_batch(pictures, np.zeros((1, 1), np.float32))
    assert float(model(pictures, training=True)[0, 0]) == pytest.approx(2 * float(model(pictures)[0, 0]))


def test_a_recipe_trains_so(trained: Run, split: tuple[Examples, Examples], tmp_path: Any) -> None:
    recipe = recipes.load(trained.recipe)
    schedule = recipe.schedule.model_copy(update={"sharpness_radius": 0.1})
    recipe = recipe.model_copy(update={"schedule": schedule})
    fit(recipe, *split, tmp_path, resume=False)
    assert read_log(tmp_path)["val_accuracy"][-1] > 0.5  # chance is 0.125


def test_phases_are_refused() -> None:
    phases = [{"epochs": 1, "learning_rate": 0.1}]
    adam = {"optimizer": "adam", "weight_decay": 0, "warmup_epochs": 0, "epochs": 1}
    with pytest.raises(ValueError, match="sharpness_radius: write 0"):
        ScheduleConfig.model_validate({**adam, "phases": phases, "sharpness_radius": 0.1})


def test_without_it_a_network_is_trained_as_before(split: tuple[Examples, Examples], trained: Run) -> None:
    recipe, training = recipes.load(trained.recipe), split[0]
    network = keras.Sequential([keras.Input((48, 48, 1)), keras.layers.Flatten(), keras.layers.Dense(8)])
    assert not isinstance(training_model(recipe, network, training, 1), SharpnessAwareModel)
