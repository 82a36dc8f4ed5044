from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import keras
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from tests.train.synthetic import Run, call
from train import embedding, forest, kept, networks, recipes, report
from train.__main__ import main
from train.networks import CnnWideConfig, RandomForestHeadConfig

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NAME = "random_forest_head"


def write(folder: Path, features: Path, change: tuple[str, str] = ("", "")) -> Path:
    """Write the recipe with a small forest on other features."""
    path = folder / f"{NAME}.toml"
    text = (recipes.FOLDER / path.name).read_text()
    text = (
        text.replace("train/weights/cnn_two_block.npz", str(features))
        .replace("trees = 100", "trees = 40")
        .replace("depth = 12", "depth = 6")
    )
    path.write_text(text.replace('"fer2013"', '"ferplus"').replace(*change))
    return path


def drawn(count: int) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Features of three classes that trees can tell apart, mostly."""
    random = np.random.default_rng(1)
    labels = random.integers(0, 3, count)
    return (random.normal(size=(count, 5)) + labels[:, None]).astype(np.float32), labels * 2


def test_the_network_answers_as_the_forest_of_scikit_learn_does(tmp_path: Path) -> None:
    depth = 6
    features, labels = drawn(200)
    grown = RandomForestClassifier(11, max_depth=depth, random_state=1).fit(features, labels)
    network = networks.build(RandomForestHeadConfig(trees=11, depth=depth), 7)
    network.set_weights(forest.as_weights(grown, depth, 7))
    others, _ = drawn(500)
    found = np.exp(network.predict(others, verbose=0))
    assert found[:, [0, 2, 4]] == pytest.approx(grown.predict_proba(others), abs=1e-5)
    assert found[:, [1, 3, 5, 6]] == pytest.approx(0, abs=1e-5)  # labels that it has never seen
    network.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert np.array_equal(again.predict(others, verbose=0), network.predict(others, verbose=0))


def test_no_value_is_on_another_side_of_a_threshold_in_single_precision() -> None:
    values = np.array([0.1, 1 / 3, 1e-30, 7.0, -0.1])
    rounded: Any = forest._rounded_down(values)  # noqa: SLF001  # what the equality above hangs on
    assert (rounded.astype(np.float64) <= values).all()
    assert (np.nextafter(rounded, np.float32(np.inf)).astype(np.float64) > values).all()


def test_a_forest_goes_the_whole_way(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, again, into = tmp_path / "run", tmp_path / "again", tmp_path / "kept"
    recipe = write(tmp_path, trained.out / "tiny.npz")
    fit = ["fit", str(recipe), *trained.data, "--clips", "none"]
    assert call(main, [*fit, "--out", str(out)]) == 0
    written = report.read(out / f"{NAME}.json")
    softmax = report.read(trained.out / "tiny.json").metrics["PrivateTest"]["ferplus-majority"]
    assert softmax.accuracy > 0.6
    assert written.metrics["PrivateTest"]["ferplus-majority"].accuracy > softmax.accuracy - 0.2
    assert (written.epochs, len(written.history["val_accuracy"])) == (1, 1)
    network: Any = written.recipe.network
    assert network.sha256 == kept.load(trained.out / "tiny.npz").sha256

    assert call(main, ["keep", str(out), *trained.data, "--into", str(into)]) == 0
    assert call(main, ["restore", str(into / f"{NAME}.npz"), "--out", str(again)]) == 0
    model = str(again / f"{NAME}.keras")
    face = tmp_path / "face.png"
    assert cv2.imwrite(str(face), np.full((60, 60), 128, np.uint8))
    assert call(main, ["predict", model, str(face), "--cropped"]) == 0
    capsys.readouterr()
    assert call(main, ["pack", str(recipe), *trained.data, "--clips", "none", "--out", str(tmp_path / "job")]) == 2
    assert "a forest cannot be packed" in capsys.readouterr().err
    assert call(main, ["predict", model, str(face), "--cropped", "--cam", "--out", str(tmp_path / "drawn")]) == 2
    assert "no gradient" in capsys.readouterr().err

    plan = kept.load(out / f"{NAME}.npz").recipe
    other = plan.network.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(recipes.RecipeError, match="is not the one that random_forest_head was trained with"):
        embedding.load_backbone(plan.model_copy(update={"network": other}))


def test_the_features_are_what_the_last_layer_of_model_2_takes(tmp_path: Path) -> None:
    config = CnnWideConfig(stem=4, dense=(8, 16))
    plan = recipes.Recipe.model_validate({"name": "backbone", "data": {"training": "fer2013"}, "network": config})
    kept.save(tmp_path / "backbone.npz", plan, networks.build(config, 7).get_weights())
    backbone = embedding.load_backbone(recipes.load(write(tmp_path, tmp_path / "backbone.npz")))
    assert backbone is not None
    whole = embedding.with_backbone(networks.build(RandomForestHeadConfig(trees=2, depth=2), 7), backbone)
    assert (whole.input_shape, whole.output_shape) == ((None, 48, 48, 1), (None, 7))
    assert embedding.embedder(backbone).output_shape == (None, 16)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("erase = 0.0", "erase = 0.1"), "augment"),
        (("[network]", "clutter = 8\n[network]"), "clutter"),
        (("[network]", 'also = "fer2013"\n[network]'), "data.also"),
        (("tiny.npz", "none.npz"), "none.npz"),
    ],
)
def test_what_does_not_go_with_a_forest_is_refused(
    change: tuple[str, str], said: str, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write(tmp_path, trained.out / "tiny.npz", change)
    assert call(main, ["fit", str(recipe), *trained.data, "--out", str(tmp_path / "run")]) == 2
    assert said in capsys.readouterr().err
