from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from convert.__main__ import main
from tests.train import synthetic

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Converted:
    """A bundle and what was said when it was made."""

    network: Path
    card: Path
    said: str


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> synthetic.Run:
    return synthetic.trained(tmp_path_factory.getbasetemp() / "synthetic")


@pytest.fixture(scope="session")
def converted(trained: synthetic.Run, tmp_path_factory: pytest.TempPathFactory) -> Converted:
    out = tmp_path_factory.mktemp("bundle") / "tiny"
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = synthetic.call(main, [str(trained.model), *trained.data, "--out", str(out), "--calibration-faces", "64"])
    assert code == 0, said.getvalue()
    return Converted(out.with_name("tiny.tflite"), out.with_name("tiny.json"), said.getvalue())


@pytest.fixture(scope="session")
def onnx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx2tf")
    return tmp_path_factory.mktemp("onnx")
