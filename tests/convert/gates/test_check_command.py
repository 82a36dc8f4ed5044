"""The gates once more, on a bundle that is there: ``python -m convert check``, and what it needs of a card."""

from __future__ import annotations

import contextlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from convert.__main__ import main
from tests.train.synthetic import Run, call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.convert.conftest import Converted


@contextlib.contextmanager
def other_card(converted: Converted, folder: Path) -> Iterator[Any]:
    """Copy a bundle; give its card to be changed, and write it beside the copy."""
    shutil.copy(converted.network, folder)
    card = json.loads(converted.card.read_text(encoding="utf-8"))
    yield card
    (folder / "tiny.json").write_text(json.dumps(card), encoding="utf-8")


class TestCheck:
    """``python -m convert check`` on a bundle that is there."""

    def test_a_good_bundle_passes(self, trained: Run, converted: Converted, capsys: pytest.CaptureFixture[str]) -> None:
        assert call(main, ["check", str(converted.network), *trained.data]) == 0
        said = capsys.readouterr().out
        assert "float as the source" not in said
        assert "drop in litert" in said

    def test_beside_its_model_every_gate_is_run(
        self, trained: Run, converted: Converted, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert call(main, ["check", str(converted.network), *trained.data, "--model", str(trained.model)]) == 0
        said = capsys.readouterr().out
        for gate in ("float as the source", "scaling of the pixels", "order of the labels", "agreement in litert"):
            assert gate in said

    def test_a_bundle_that_became_worse_does_not(
        self, trained: Run, converted: Converted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with other_card(converted, tmp_path) as card:
            card["labels"] = [*card["labels"][1:], card["labels"][0]]
        assert call(main, ["check", str(tmp_path / "tiny.tflite"), *trained.data]) == 1
        assert "drop in litert: int8 0.00% and float 100.00% of 200 validation faces" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("key", "value", "said"),
        [
            ("protocol", "bogus", "metrics.validation.protocol: "),
            ("protocol", ["ferplus"], "metrics.validation.protocol: "),
            ("float", "good", "metrics.validation.float: "),
            ("evaluation", {"float": {}}, "metrics.validation.evaluation.float.n: is missing"),
        ],
    )
    @pytest.mark.parametrize("command", ["check", "calibrate"])
    def test_a_card_that_says_nonsense_is_refused(
        self,
        trained: Run,
        converted: Converted,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        *,
        command: str,
        key: str,
        value: object,
        said: str,
    ) -> None:
        with other_card(converted, tmp_path) as card:
            card["metrics"]["validation"][key] = value
        assert call(main, [command, str(tmp_path / "tiny.tflite"), *trained.data]) == 2
        assert said in capsys.readouterr().err

    def test_a_card_of_other_labels_is_refused(
        self, trained: Run, converted: Converted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with other_card(converted, tmp_path) as card:
            recall = card["metrics"]["validation"]["evaluation"]["float"]["recall"]
            recall["joy"] = recall.pop("happy")
        assert call(main, ["check", str(tmp_path / "tiny.tflite"), *trained.data]) == 2
        assert "other labels than its protocol: happy, joy; name the model" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("missing", "code", "said"), [("evaluation", 0, "drop in litert"), ("float", 2, "--model FILE")]
    )
    def test_a_card_that_says_less_is_checked_by_what_it_says(
        self,
        trained: Run,
        converted: Converted,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        *,
        missing: str,
        code: int,
        said: str,
    ) -> None:
        with other_card(converted, tmp_path) as card:
            del card["metrics"]["validation"][missing]
        assert call(main, ["check", str(tmp_path / "tiny.tflite"), *trained.data]) == code
        told = capsys.readouterr()
        assert said in told.out + told.err
        assert "recall" not in told.out
