"""Any card beside the shipped network is refused by name of what is wrong, or gives probabilities."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.errors import BundleError
from edge.inference.bundle import SHIPPED, ModelBundle
from tests.fuzz.values import damaged, text, value

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    import pytest

    from tests.fuzz.conftest import Fuzz

CARD: dict[str, Any] = json.loads(SHIPPED.with_suffix(".json").read_bytes())
EDGES = (1e-300, 1e-9, 1e300, float("inf"), float("nan"), -1.0, 0, 10**400, 2**63)
FACES = np.stack([np.zeros((48, 48), np.uint8), np.full((48, 48), 255, np.uint8)])


def read(path: Path) -> None:
    """Load a bundle as the daemon does, and see that it ends well, and soon."""
    began_s, refusal = time.thread_time(), ""
    try:
        bundle: ModelBundle | None = ModelBundle.load(path)
    except BundleError as error:
        bundle, refusal = None, str(error)
    assert time.thread_time() - began_s < 2
    if not bundle:
        assert len(refusal) < 700
        assert refusal.isprintable()
        return
    probabilities = bundle.read(FACES).probabilities
    assert np.isfinite(probabilities).all()
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)
    assert all(label.isprintable() and label and label != "uncertain" for label in bundle.labels)
    assert len(set(bundle.labels)) == len(bundle.labels)
    assert len(f"{bundle.card.name}{bundle.card.version}") < 1000
    assert f"{bundle.card.name}{bundle.card.version}".isprintable()
    assert 0 <= bundle.card.calibration.min_confidence <= 1


def changed(case: Random) -> bytes:
    """Return the shipped card with some of its values replaced, taken away or added to."""
    card = json.loads(json.dumps(CARD))
    for _ in range(case.randrange(1, 3)):
        table = case.choice((card, card, card["input"], card["calibration"]))
        if not isinstance(table, dict) or not table:
            continue
        key = case.choice(list(table))
        match case.randrange(6):
            case 0:
                del table[key]
            case 1:
                table[text(case)] = value(case)
            case 2:
                table[key] = case.choice(EDGES)
            case 3 if isinstance(labels := card.get("labels"), list) and labels:
                labels[case.randrange(len(labels))] = case.choice((text(case), labels[0], "uncertain", "", value(case)))
            case _:
                table[key] = value(case)
        if not isinstance(card.get("input"), dict) or not isinstance(card.get("calibration"), dict):
            break
    written = json.dumps(card)
    return written.encode(case.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16")))


def test_any_card(fuzz: Fuzz, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "mine.tflite"
    shutil.copy(SHIPPED, path)
    whole = SHIPPED.with_suffix(".json").read_bytes()
    for case in fuzz.cases(500):
        match case.randrange(5):
            case 0:
                content = damaged(case, whole)
            case 1:
                content = case.choice((b"[", b'{"a":', b"0", b" ", b'{"name":"' + b"x" * 900)) * case.choice(
                    (1, 900, 90_000)
                )
            case _:
                content = changed(case)
        path.with_suffix(".json").write_bytes(content)
        read(path)
    assert not caplog.records
