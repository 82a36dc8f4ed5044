"""A job runs on JAX and PyTorch as on TensorFlow, where nothing else is installed; ``make test-backends`` runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.train import synthetic
from tests.train.jobs import unpacked, write_recipes
from tests.train.synthetic import Run, call
from train import kept, recipes, report, teachers
from train.__main__ import main
from train.job.main import AGAIN
from train.log import read_log

if "BACKEND_PYTHON" not in os.environ:
    pytest.skip("JAX and PyTorch elsewhere: 'make test-backends' runs them", allow_module_level=True)

pytestmark = pytest.mark.timeout(1800)

OTHERS = ("jax", "torch")
PYTHONS = {**dict.fromkeys(OTHERS, os.environ["BACKEND_PYTHON"]), "tensorflow": sys.executable}
STEPS = 5
LOSS, WEIGHT = 1e-5, 1e-5
"""Tolerances: relative of a loss, absolute of a weight. Measured with JAX on a CPU: 1.1e-7 and 4e-7, where kernels had
moved by up to 0.006."""

CHANGE = 0.25
"""Relative tolerance of how much 1,024 pictures are changed by random numbers of another generator."""


def python(backend: str, *arguments: Path | str) -> subprocess.CompletedProcess[str]:
    """Run a program on a backend, without this repository's modules."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [PYTHONS[backend], *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd="/")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return synthetic.data_set(tmp_path_factory.mktemp("synthetic") / "data")


@pytest.fixture(scope="module", params=OTHERS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def job(backend: str, data: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a job that was trained on a backend, in three turns."""
    folder = tmp_path_factory.mktemp("job")
    unpacked(folder, write_recipes(folder), data.data)
    start = folder / "job" / "job.py"
    first = python(backend, start, "--resume", "--minutes", "0.0001")
    assert first.returncode == AGAIN, first.stderr
    assert "Keras 3" in first.stdout
    assert f"on {backend}" in first.stdout
    assert "first: 1 of 2 epochs are done" in first.stdout
    refused = python(backend, start)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    rest = python(backend, start, "--resume")
    assert rest.returncode == 0, rest.stderr
    return folder / "job"


def test_the_environment_has_nothing_that_a_job_does_not_need() -> None:
    for name in ("tensorflow", "pydantic", "cv2", "sklearn"):
        assert "ModuleNotFoundError" in python("jax", "-c", f"import {name}").stderr


def test_recipes_are_the_same_without_pydantic(job: Path, tmp_path: Path) -> None:
    written = [recipes.load(path).model_dump_json() for path in sorted(recipes.FOLDER.glob("*.toml"))]
    (tmp_path / "recipes").write_text("\n".join(written), encoding="utf-8")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from train.recipes import Recipe\n"
        "for line in open(sys.argv[2]): print(Recipe.model_validate_json(line).model_dump_json())"
    )
    done = python("jax", "-c", program, job, tmp_path / "recipes")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert found == [json.loads(line) for line in written], done.stderr


def test_an_interrupted_job_goes_on_and_learns(backend: str, job: Path) -> None:
    for name in ("first", "second"):
        history = read_log(job / "runs" / name)
        assert history["epoch"] == [0, 1]
        assert history["val_accuracy"][-1] > 0.5  # chance is 0.125
    assert python(backend, job / "job.py", "--resume").stdout.count("finished") == 2


def test_steps_are_those_on_tensorflow(backend: str, job: Path, tmp_path: Path) -> None:
    taken = {}
    for each in (backend, "tensorflow"):
        out = tmp_path / f"{each}.npz"
        done = python(each, Path(__file__).with_name("steps.py"), job, "second", str(STEPS), out)
        assert done.returncode == 0, done.stderr
        with np.load(out) as stored:
            taken[each] = {name: stored[name] for name in stored.files}
    one, other = taken.values()
    assert len(one["losses"]) == STEPS
    assert one["losses"] == pytest.approx(other["losses"], rel=LOSS)
    start = kept.load(job / "runs/first/first.npz").weights
    names = sorted(one.keys() - {"losses"})
    moved = [np.abs(one[name] - before).max() for name, before in zip(names, start, strict=True)]
    assert max(moved) > 100 * WEIGHT  # it was trained
    assert max(np.abs(one[name] - other[name]).max() for name in names) < WEIGHT


def test_faces_are_changed_as_much_as_on_tensorflow(backend: str, job: Path) -> None:
    done = {each: python(each, Path(__file__).with_name("changes.py"), job) for each in (backend, "tensorflow")}
    one, other = (json.loads(each.stdout) if each.stdout else pytest.fail(each.stderr) for each in done.values())
    assert min(other.values()) > 0.1  # each changes something
    assert one == pytest.approx(other, rel=CHANGE)


def test_its_weights_become_models_at_home(job: Path, data: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "REPOSITORY", job)
    monkeypatch.setattr(teachers, "REPOSITORY", job)
    assert call(main, ["report", str(job / "runs/second"), *data.data]) == 0
    written = report.read(job / "runs/second/second.json")
    assert written.sources["teachers"] == written.sources["start"] == str(kept.load(job / "runs/first/first.npz"))
    assert written.metrics["PrivateTest"]["ferplus-majority"].accuracy > 0.5
