from __future__ import annotations

import subprocess
import sys
from itertools import product
from typing import TYPE_CHECKING

import pytest

from convert import bench
from convert.__main__ import main
from convert.subprocesses import CHECKOUT
from edge.errors import BundleError
from edge.inference.bundle import ModelBundle
from edge.inference.runtime import installed
from tests.train.synthetic import call
from train.evaluate.protocols import load_tests

if TYPE_CHECKING:
    from pathlib import Path

    from tests.convert.conftest import Converted
    from tests.train.synthetic import Run


def test_bundles_are_compared_in_every_runtime(
    converted: Converted, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "THREADS", (2,))
    tests = load_tests(trained.fer2013, trained.ferplus)
    rows = bench.benchmark([converted.network, converted.network], tests, 2, lambda *_: lambda _: None)
    card = ModelBundle.load(converted.network).card
    for row in rows:
        assert set(row.milliseconds) == {(runtime, 2) for runtime in installed()}
        assert min(row.milliseconds.values()) > 0
        assert row.accuracy["ferplus-majority"] == pytest.approx(
            card.metrics["ferplus_majority"]["int8"][next(iter(installed()))], abs=1e-4
        )


def test_the_table_has_a_column_for_each(
    converted: Converted, trained: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(bench, "THREADS", (1, 3))
    assert call(main, ["bench", str(converted.network), *trained.data, "--rounds", "1"]) == 0
    said = capsys.readouterr().out
    assert "tiny.tflite" in said
    for runtime, threads in product(installed(), (1, 3)):
        assert f"ms a face, {runtime}, {threads} thread(s)" in said


def test_a_network_that_a_runtime_refuses_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.tflite").write_bytes(b"no network")
    with pytest.raises(BundleError, match=rf"bad\.tflite: {next(iter(installed()))} refuses this network"):
        bench.milliseconds_in_turn([tmp_path / "bad.tflite"], 1, lambda *_: lambda _: None)


def test_what_times_a_bundle_loads_no_tensorflow() -> None:
    """TensorFlow's copy of the runtime's symbols breaks tflite-runtime in the same process."""
    program = "import sys, convert.bench; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=CHECKOUT).returncode == 0
