from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.train.synthetic import Run, call, grating
from train.__main__ import main
from train.datasets import Faces
from train.evaluate.robustness import CHANGES, under_changes

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    random = np.random.default_rng(1)
    return np.stack([grating(label, random) for label in range(8)])


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_changes_and_keeps_the_form(pictures: NDArray[np.uint8], name: str) -> None:
    for way in CHANGES[name]:
        changed = way(pictures)
        assert changed.shape == pictures.shape
        assert changed.dtype == np.uint8
        assert np.array_equal(changed, pictures) == (name == "none")
        assert np.array_equal(way(pictures), changed)


def test_each_does_what_it_says(pictures: NDArray[np.uint8]) -> None:
    def of(name: str, way: int = 0) -> NDArray[np.float64]:
        return CHANGES[name][way](pictures).astype(np.float64)

    plain = pictures.astype(np.float64)
    inside = (plain > 40) & (plain < 215)  # no level is cut off
    assert (of("noise, deviation 0.05 of white") - plain)[inside].std() == pytest.approx(0.05 * 255, rel=0.05)
    assert (of("gamma 0.5") >= plain).all()
    assert (of("gamma 2") <= plain).all()
    assert of("seen at 24 pixels")[-1].std() < plain[-1].std()  # the finest grating is lost first
    bright_left = of("light from the left or right") - plain
    assert (bright_left[:, :, :24] >= 0).all()
    assert (bright_left[:, :, 24:] <= 0).all()
    bright_top = of("light from above or below") - plain
    assert (bright_top[:, :24] >= 0).all()
    assert (bright_top[:, 24:] <= 0).all()
    dark = plain < 127
    assert (of("tone curve of an S") <= plain)[dark].all()
    assert (of("flat tone curve") >= plain)[dark].all()
    along, across = of("motion blur, 5 pixels", 0), of("motion blur, 5 pixels", 1)
    assert np.allclose(along[:, :, 2:-2], np.mean([plain[:, :, i : 44 + i] for i in range(5)], axis=0), atol=0.51)
    assert np.allclose(across[:, 2:-2], np.mean([plain[:, i : 44 + i] for i in range(5)], axis=0), atol=0.51)
    clear, blind = of("glasses"), of("dark glasses")
    assert (blind[:, 16:21, 12:19] == 30).all()  # over an eye
    assert np.array_equal(clear[:, 16:21, 12:19], plain[:, 16:21, 12:19])
    assert np.array_equal(clear[:, 26:], plain[:, 26:])
    assert (of("hand before the mouth")[:, 40:46, 18:30].std(axis=(1, 2)) == 0).all()
    assert (of("hand at a cheek")[:, 32:40, 4:8].std(axis=(1, 2)) == 0).all()
    right = of("box shifted by 15 %")
    assert np.array_equal(right[:, :, :40], plain[:, :, 7:47])
    assert np.array_equal(right[:, :, -1], plain[:, :, -1])  # beyond it the edge is repeated


def test_a_model_that_looks_at_brightness_alone_loses_by_gamma() -> None:
    faces = Faces(
        np.stack([np.full((48, 48), level, np.uint8) for level in (100, 150)]), np.eye(2, dtype=np.float32), ("a", "b")
    )

    def logits(seen: NDArray[np.uint8]) -> NDArray[np.float32]:
        bright = seen.mean(axis=(1, 2)) > 128
        return np.asarray(np.stack([~bright, bright], axis=1), np.float32)

    found = dict(under_changes(logits, ("a", "b"), faces))
    assert found["none"] == found["box shifted by 15 %"] == 1
    assert found["gamma 0.5"] == found["gamma 2"] == 0.5


def test_the_command_prints_a_table(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(main, ["robustness", str(trained.model), *trained.data]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in CHANGES)
    assert "n = 160" in said
