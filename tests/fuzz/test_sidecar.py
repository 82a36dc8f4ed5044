"""Any file beside a model, and any description within one, is read or refused with one sentence."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("tensorflow")  # make test-edge goes without

# ruff: isort: split
from convert.errors import ModelError
from convert.load.config_check import check_keras
from convert.sidecar import WANTED
from convert.spec import FileFacts, ModelSpec, complete
from tests.convert.test_spec import WHOLE, report
from tests.fuzz.test_configuration import toml
from tests.fuzz.values import damaged, text, value
from train.datasets import DataError

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from tests.fuzz.conftest import Fuzz

SIDECAR = f"{WHOLE}size = [32, 32]\nchannels = 1\n"
FACTS = (
    FileFacts(height=32, width=32, channels=1, outputs=("answer",)),
    FileFacts(height=None, width=None, channels=None, outputs=("age", "emotion")),
    FileFacts(height=32, width=None, channels=3, outputs=("answer",)),
)


def told(model: Path, facts: FileFacts) -> ModelSpec | None:
    """Put together what stands beside a model, and see that it ends well."""
    message, spec = "", None
    try:
        spec = complete(model, facts)
    except (ModelError, DataError) as error:
        message = str(error)
    if spec is None:
        first, *asked = message.splitlines()
        assert first.isprintable()
        assert len(first) < 2500
        assert all(line.partition(":")[0].strip() in WANTED for line in asked), message
        return None
    assert spec.width * spec.height <= 2048**2
    assert sorted(spec.order) == list(range(len(spec.labels)))
    assert len(spec.scaling.mean) == len(spec.scaling.std) == spec.channels
    assert min(spec.scaling.std) > 0
    assert all(str(part).isprintable() for part in spec.trained.values())
    return spec


def test_any_sidecar_ends_well(fuzz: Fuzz, tmp_path: Path) -> None:
    path = tmp_path / "model.toml"
    good = 0
    for case in fuzz.cases(1500):
        path.write_bytes(damaged(case, SIDECAR.encode()) if case.random() < 0.7 else _lines(case))
        good += told(tmp_path / "model.onnx", case.choice(FACTS)) is not None
    assert good  # some damage is harmless


def _lines(case: Random) -> bytes:
    """Return a sidecar whose keys hold values that they should not."""
    lines = SIDECAR.splitlines()
    for _ in range(case.randrange(1, 4)):
        number = case.randrange(len(lines))
        key = lines[number].partition(" = ")[0]
        lines[number] = f"{key} = {toml(value(case))}"
    return "\n".join(lines).encode(errors="replace")


def test_any_report_ends_well(fuzz: Fuzz, tmp_path: Path) -> None:
    whole = report(tmp_path).model_dump_json().encode()
    good = 0
    for case in fuzz.cases(300):
        (tmp_path / "model.json").write_bytes(damaged(case, whole))
        good += told(tmp_path / "model.keras", FACTS[0]) is not None
    assert good < 300


LAYER = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {"name": "dense", "units": 4},
    "registered_name": None,
}
NETWORK = {"module": "keras", "class_name": "Sequential", "config": {"layers": [LAYER, LAYER]}, "registered_name": None}


def replaced(case: Random, part: Any) -> Any:
    """Return a description in which something is something else."""
    if isinstance(part, dict) and part and case.random() < 0.85:
        key = case.choice(list(part))
        return part | {key if case.random() < 0.9 else text(case): replaced(case, part[key])}
    if isinstance(part, list) and part and case.random() < 0.85:
        return [replaced(case, each) if case.random() < 0.5 else each for each in part]
    return value(case)


def test_any_description_of_a_network_ends_well(fuzz: Fuzz, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    refusals = []
    for case in fuzz.cases(600):
        content = json.dumps(replaced(case, NETWORK)).encode(errors="replace")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", damaged(case, content) if case.random() < 0.3 else content)
        if case.random() < 0.2:
            path.write_bytes(damaged(case, path.read_bytes()))
        try:
            check_keras(path)
        except ModelError as error:
            refusals.append(str(error))
    assert refusals
    assert all(refusal.isprintable() and len(refusal) < 1000 for refusal in refusals)
