"""A job is packed and run here, by TensorFlow; tests/backends runs it as its users do."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.train.jobs import unpacked, write_recipes
from tests.train.synthetic import Run, call
from train import recipes, report
from train.__main__ import main
from train.callbacks import TimeLimit
from train.job import main as job
from train.job import sources
from train.job.layout import Job, weights_file
from train.job.start import BACKENDS
from train.targets import training_examples, validation_examples

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def packed(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an unpacked job of two recipes."""
    folder = tmp_path_factory.mktemp("job")
    return unpacked(folder, write_recipes(folder), trained.data)


@pytest.fixture(scope="module")
def every(packed: Path) -> NDArray[np.uint8]:
    """Return the job's pictures."""
    return Job(packed).pictures()


def test_the_job_has_what_training_here_would_have(packed: Path, trained: Run, every: NDArray[np.uint8]) -> None:
    assert Job(packed).names() == ["first", "second"]
    for name in Job(packed).names():
        recipe = recipes.load(packed.parent / f"{name}.toml")
        there = Job(packed).examples(recipe, every)
        here = (
            training_examples(recipe.data, trained.fer2013, trained.ferplus, None),
            validation_examples(recipe.data, trained.fer2013, trained.ferplus),
        )
        for packed_examples, examples in zip(there, here, strict=True):
            assert packed_examples.heads == examples.heads
            assert np.array_equal(packed_examples.pixels, examples.pixels)
            assert np.array_equal(packed_examples.targets, examples.targets)


def test_no_test_face_is_in_the_job(every: NDArray[np.uint8], trained: Run) -> None:
    rows = [line.split(",") for line in trained.fer2013.read_text().splitlines()[1:]]
    tests = {np.array(pixels.split(), np.uint8).tobytes() for _, pixels, usage in rows if usage == "PrivateTest"}
    assert len(tests) == 160
    assert tests.isdisjoint({picture.tobytes() for picture in every})


def test_it_needs_nothing_but_python_numpy_keras_and_a_backend() -> None:
    foreign = sources.needed_by("train.job.main").foreign - sys.stdlib_module_names - set(BACKENDS)
    assert foreign == {"keras", "numpy", "pydantic"}  # of which train/job/plain.py takes the last one's place
    assert sources.needed_by("train.job.plain").foreign <= sys.stdlib_module_names
    assert sources.needed_by("train.job.start").foreign - set(BACKENDS) <= sys.stdlib_module_names | foreign


def test_what_is_finished_is_not_trained_again(packed: Path, trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("first", "second"):
        weights = packed / weights_file(name)
        weights.write_bytes((trained.out / "tiny.npz").read_bytes())
    assert job.main(["--resume", "--minutes", "5"], packed) == 0
    assert capsys.readouterr().out.count("finished") == 2


def test_a_run_ends_before_an_epoch_that_would_take_too_long() -> None:
    limit = TimeLimit(30)
    limit.set_model(SimpleNamespace(stop_training=False))
    limit.on_epoch_begin(0)
    limit.on_epoch_end(0)
    assert not limit.model.stop_training
    limit.on_epoch_begin(1)
    limit._begun -= 31  # noqa: SLF001  # an epoch of 31 s
    limit.on_epoch_end(1)
    assert limit.model.stop_training
    assert limit.is_over  # for the first epoch of the next recipe too


def test_a_limit_leaves_time_for_one_epoch() -> None:
    limit = TimeLimit(0)
    limit.set_model(SimpleNamespace(stop_training=False))
    assert not limit.is_over
    limit.on_epoch_begin(0)
    limit.on_epoch_end(0)
    assert limit.model.stop_training
    assert limit.is_over


def test_the_weights_of_a_run_become_models(trained: Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("tiny.npz", "log.csv", "recipe.json", "examples.json"):
        (run / name).write_bytes((trained.out / name).read_bytes())
    assert call(main, ["report", str(run), *trained.data]) == 0
    there, here = (report.read(folder / "tiny.json") for folder in (run, trained.out))
    assert there == here
    assert (run / "tiny.keras").exists()


def test_the_report_of_something_else_is_refused(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for missing in ("recipe.json", "tiny.npz", "examples.json", "log.csv"):
        run = tmp_path / missing
        run.mkdir()
        for name in {"tiny.npz", "log.csv", "recipe.json", "examples.json"} - {missing}:
            (run / name).write_bytes((trained.out / name).read_bytes())
        assert call(main, ["report", str(run), *trained.data]) == 2
        assert f"{run / missing}: " in capsys.readouterr().err


def test_mistakes_are_one_sentence(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = write_recipes(tmp_path)
    outside = tmp_path / "outside.toml"
    outside.write_text(first.read_text().replace("clutter", 'teachers = ["/runs/a.npz"]\nclutter'), encoding="utf-8")
    for chosen, said in [
        ([first, first], "two recipes are named first"),
        ([second], "runs/first/first.npz"),  # what it learns from is neither there nor made before it
        ([outside], "within the repository"),
        ([sources.REPOSITORY / "train/recipes/cnn_gru.toml"], "a network over frames cannot be packed"),
        ([tmp_path / "none.toml"], "none.toml"),
    ]:
        command = ["pack", *map(str, chosen), *trained.data, "--clips", "none", "--out", str(tmp_path / "job.tar.xz")]
        assert call(main, command) == 2
        message = capsys.readouterr().err
        assert said in message
        assert "Traceback" not in message
    assert not (tmp_path / "job.tar.xz").exists()
