from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import keras
import numpy as np
import pytest

from tests.train.synthetic import PER_LABEL, Run, call
from train import embedding, kept, networks, recipes, report
from train.__main__ import main
from train.datasets import Faces
from train.datasets.ferplus import LABELS
from train.log import read_log
from train.recipes.tracks import TracksConfig
from train.systems import memory
from train.tracks.compare import FRAME, NETWORK, NETWORK_SMOOTHED, PUBLISHED, SMOOTHED, compare
from train.tracks.figures import TrackFigures, TracksReport, difference, mean_figure
from train.tracks.readings import Readings, read_tracks
from train.tracks.smoothing import reading_plan
from train.tracks.stills import KINDS, Stills

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """
name = "{name}"
[data]
training = "ferplus"
[data.tracks]
network = "{network}"
training = 96
validation = 32
frames = 8
[network]
kind = "{name}"
embedding = 24
{size}
[augment]
rotate_degrees = 0.0
scale = 0.0
shift = 0.0
flip = false
contrast = 0.0
brightness = 0.0
gamma = 1.0
noise = 0.0
blur = 0.0
erase = 0.0
[schedule]
epochs = 2
batch_size = 16
learning_rate = 0.01
warmup_epochs = 0.0
ema_momentum = 0.9
"""

SIZES = {
    "cnn_gru": "units = 16",
    "cnn_transformer": "width = 16\nattention_heads = 2\nencoder = 1",
    "cnn_no_memory": "units = 16",
}


def silent(_count: int) -> None:
    pass


@pytest.fixture
def eyes(trained: Run) -> kept.KeptNetwork:
    return kept.load(trained.out / "tiny.npz")


def write(trained: Run, folder: Path, name: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(RECIPE.format(name=name, network=trained.out / "tiny.npz", size=SIZES[name]))
    return path


@pytest.mark.parametrize("name", SIZES)
def test_no_network_over_frames_sees_a_later_frame(name: str, trained: Run, tmp_path: Path) -> None:
    network = networks.build(recipes.load(write(trained, tmp_path, name)).network, 8)
    frames = np.random.default_rng(1).normal(size=(2, 9, 24)).astype(np.float32)
    changed = frames.copy()
    changed[:, 6:] = -frames[:, 6:]
    answers, others = (network.predict(each, verbose=0) for each in (frames, changed))
    assert answers.shape == (2, 9, 8)
    assert answers[:, :6] == pytest.approx(others[:, :6], abs=1e-5)
    assert np.abs(answers[:, 6:] - others[:, 6:]).max() > 1e-3
    changed[:, 0] = -frames[:, 0]
    remembers = np.abs(network.predict(changed, verbose=0)[:, 5] - others[:, 5]).max() > 1e-4
    assert remembers == (name != "cnn_no_memory")


def test_what_the_eyes_see_is_what_their_network_answers(eyes: kept.KeptNetwork) -> None:
    pixels = np.random.default_rng(2).integers(0, 255, (5, 48, 48, 1)).astype(np.float32)
    seen = embedding.embedder(eyes).predict(pixels, verbose=0)
    assert seen.shape == (5, embedding.width(eyes)) == (5, 24)
    logits = eyes.build().predict(pixels, verbose=0)
    assert embedding.answers(eyes, LABELS, seen) == pytest.approx(logits, abs=1e-3)


def test_readings_are_kept_and_are_those_of_the_same_tracks(eyes: kept.KeptNetwork, tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 255, (6, 48, 48)).astype(np.uint8)
    faces = Faces(pixels, np.eye(8, dtype=np.float32)[[0, 1, 5, 5, 4, 7]], LABELS)
    config = TracksConfig(frames=8)
    first = read_tracks(eyes, Stills(faces, "Training"), config, 9, tmp_path, silent)
    (file,) = tmp_path.iterdir()
    again = read_tracks(eyes, Stills(faces, "Training"), config, 9, tmp_path, silent)
    assert np.array_equal(first.embeddings, again.embeddings)
    file.write_bytes(b"half of it")
    anew = read_tracks(eyes, Stills(faces, "Training"), config, 9, tmp_path, silent)
    assert np.array_equal(first.embeddings, anew.embeddings)
    assert first.embeddings.shape == (9, 11, 24)
    by_frame = first.by_frame(config.fps)
    assert by_frame[:, 0] == pytest.approx(first.embeddings[:, :4].mean(axis=1), abs=1e-5)
    assert by_frame[:, 1:] == pytest.approx(first.embeddings[:, 4:], abs=1e-6)
    read_tracks(eyes, Stills(faces, "Training"), config.model_copy(update={"noise": 0.1}), 9, tmp_path, silent)
    assert len(list(tmp_path.iterdir())) == 2
    assert file.exists()


@pytest.mark.parametrize("training", ["ferplus", "folder"])  # of the backbone
def test_smoothing_is_right_more_often_where_single_frames_are_wrong(training: str, eyes: kept.KeptNetwork) -> None:
    config, tracks = TracksConfig(frames=16), 40
    count = sum(map(len, reading_plan(config.frames, config.fps)))
    truth = np.tile(np.arange(tracks)[:, None] % 8, (1, config.frames))
    readings = np.repeat(truth[:, :1], count, axis=1)
    readings[:, 9] = (readings[:, 9] + 1) % 8  # one frame of each is wrong
    one_hot = 6 * np.eye(8, dtype=np.float32)
    data = eyes.recipe.data.model_copy(update={"training": training})
    recipe = eyes.recipe.model_copy(update={"data": data})
    seeing = kept.KeptNetwork(recipe, (np.eye(8, dtype=np.float32), np.zeros(8, np.float32)), "")
    inputs = keras.Input((None, 8))
    control = keras.Model(inputs, keras.layers.Dense(8, kernel_initializer="identity")(inputs), name="cnn_no_memory")
    found = compare(Readings(one_hot[readings], truth, np.zeros(tracks, int)), seeing, control, config, LABELS)
    assert found.ways[FRAME].accuracy.mean == found.ways[NETWORK].accuracy.mean == pytest.approx(15 / 16)
    assert found.ways[SMOOTHED].accuracy.mean == found.ways[NETWORK_SMOOTHED].accuracy.mean == 1
    assert found.ways[FRAME].changes == 2
    assert found.ways[PUBLISHED].changes == 0
    gain = difference(found.ways[SMOOTHED], found.ways[FRAME], config.frames)
    assert gain.mean == pytest.approx(1 / 16)
    assert list(found.ways[FRAME].by_kind) == ["one expression"]


def test_a_network_over_frames_is_fitted_kept_and_evaluated_as_any_other(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, out = write(trained, tmp_path, "cnn_gru"), tmp_path / "runs" / "cnn_gru"
    assert call(main, ["fit", str(recipe), *trained.data, "--out", str(out)]) == 0
    written = report.read(out / "cnn_gru.json")
    assert written.tracks is not None
    assert written.tracks.tracks == 8 * PER_LABEL["PrivateTest"]
    assert set(written.tracks.ways) == {FRAME, SMOOTHED, PUBLISHED, NETWORK}
    assert written.sources["backbone"].startswith("tiny ")
    assert written.metrics["PrivateTest"]["ferplus-majority"].n == written.tracks.tracks
    curve = read_log(out)["val_accuracy"]
    assert len(curve) == 2

    assert call(main, ["keep", str(out), *trained.data, "--into", str(tmp_path / "kept")]) == 0
    again = report.read(tmp_path / "kept" / "cnn_gru.json").tracks
    assert again is not None
    assert again.ways[NETWORK].accuracy.mean == pytest.approx(written.tracks.ways[NETWORK].accuracy.mean, abs=0.02)

    named = kept.load(out / "cnn_gru.npz").recipe.data.tracks
    assert named is not None
    assert named.sha256 == kept.load(trained.out / "tiny.npz").sha256
    other = named.model_copy(update={"sha256": "0" * 64})
    plan = kept.load(out / "cnn_gru.npz").recipe
    with pytest.raises(recipes.RecipeError, match="is not the one that cnn_gru was trained with"):
        embedding.load_backbone(plan.model_copy(update={"data": plan.data.model_copy(update={"tracks": other})}))
    assert "frames right" in capsys.readouterr().out

    face = tmp_path / "face.png"
    assert cv2.imwrite(str(face), np.full((60, 60), 128, np.uint8))
    predict = ["predict", str(out / "cnn_gru.keras"), str(face), "--cropped"]
    assert call(main, predict) == 0  # a still is a track of one frame
    assert call(main, [*predict, "--cam", "--out", str(tmp_path / "drawn")]) == 2
    assert "no map of places" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("embedding = 24", "embedding = 25"), "network.embedding: 25 must be 24"),
        (("erase = 0.0", "erase = 0.1"), "augment"),
        (('kind = "cnn_gru"', 'kind = "resnet"'), "network"),
        (('training = "ferplus"', 'training = "fer2013"'), "tracks"),
    ],
)
def test_what_does_not_go_with_tracks_is_refused(
    change: tuple[str, str], said: str, trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write(trained, tmp_path, "cnn_gru")
    recipe.write_text(recipe.read_text().replace(*change))
    assert call(main, ["fit", str(recipe), *trained.data, "--out", str(tmp_path / "run")]) == 2
    assert said in capsys.readouterr().err


def test_the_page_says_that_nothing_is_trained() -> None:
    assert "No network over frames was trained yet" in memory.section({})


def figures(hits: int, tracks: int = 30) -> TrackFigures:
    """A way that is right in so many of 10 frames of each track, one more in every third."""
    each = [hits + (number % 3 == 0) for number in range(tracks)]
    mean = mean_figure(np.array(each) / 10)
    return TrackFigures(accuracy=mean, by_kind=dict.fromkeys(KINDS, mean), changes=1.0, hits=bytes(each).hex())


def test_the_interval_of_a_single_track_is_all_that_is_possible_and_is_read_again() -> None:
    alone = figures(6, tracks=1)
    assert alone.accuracy.interval == (0, 1)
    assert TrackFigures.model_validate_json(alone.model_dump_json()) == alone
    assert difference(alone, figures(4, tracks=1), 10).interval == (-1, 1)


@pytest.mark.parametrize(("hits", "said"), [(9, "Yes, "), (5, "No, "), (7, "Inconclusive, ")])
def test_the_page_answers_by_the_interval(hits: int, said: str) -> None:
    control = {FRAME: figures(5), SMOOTHED: figures(6), PUBLISHED: figures(6), NETWORK: figures(6)}
    control[NETWORK_SMOOTHED] = figures(7)
    reports = {
        name: TracksReport(tracks=30, frames=10, fps=10.0, changes=0.5, ways=ways)
        for name, ways in {"cnn_no_memory": control, "cnn_gru": {NETWORK: figures(hits)}}.items()
    }
    page = memory.section(reports)
    assert said.lower() in memory.verdicts(reports)
    assert f"beat smoothing?** {said}" in page
    assert f"| {10 * (hits - 7):+.2f}, " in page
