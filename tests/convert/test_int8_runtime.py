"""A quantised network is run in processes of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from convert import int8_runtime
from edge.errors import BundleError
from edge.inference.runtime import installed
from edge.vision.views import VIEWS

if TYPE_CHECKING:
    from edge.inference.runtime import Runtime
    from tests.convert.conftest import Converted

RUNTIMES = sorted(installed())


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_each_runtime_gives_a_row_of_logits_per_face(runtime: Runtime, converted: Converted) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8)
    answers = int8_runtime.logits(converted.network.read_bytes(), runtime, faces)
    assert answers.emotions.shape == (3, 8)
    assert answers.face is None
    assert np.isfinite(answers.emotions).all()


def test_several_processes_and_views_say_what_one_does(converted: Converted, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (7, 48, 48), np.uint8)
    content = converted.network.read_bytes()
    counted: list[int] = []
    wanted = [int8_runtime.logits(content, RUNTIMES[0], each) for each in (faces, faces[..., ::-1])]
    monkeypatch.setattr(int8_runtime, "_WORTH_A_PROCESS", 4)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    given = int8_runtime.logits_of_views(content, RUNTIMES[0], faces, VIEWS[:2], counted.append)
    assert sorted(counted) == [2, 2, 2, 2, 3, 3]
    for one, other in zip(given, wanted, strict=True):
        assert np.array_equal(one.emotions, other.emotions)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(BundleError, match="not a TFLite file"):
        int8_runtime.logits(b"this is a text, and a long one", RUNTIMES[0], np.zeros((1, 48, 48), np.uint8))
