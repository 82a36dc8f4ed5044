from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.inference.bundle import ModelBundle
from train.datasets import DataError, Faces
from train.datasets.ferplus import LABELS
from train.evaluate import figures
from train.evaluate.models import OpenedModel
from train.evaluate.protocols import TESTED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from train.datasets import LabelProtocol, Split

REPOSITORY = Path(__file__).parents[3]
BUNDLES = sorted((REPOSITORY / "edge/models").glob("*.tflite"))
PAGE = """before
<!-- figures of all, -->
old
<!-- end of figures -->
between
{}<!-- figures of balance, --><!-- end of figures -->
after
"""
PLACE = "<!-- figures of {}, sha256 00, of before --> 12 % <!-- end of figures -->\n"


def faces() -> Faces:
    """Eighty plain pictures, the same in each view; the tens of their gray level are the number of their label."""
    truth = np.arange(80) % 8
    levels = 10 * truth + np.arange(80) // 8
    pixels = np.broadcast_to(levels[:, None, None], (80, 48, 48)).astype(np.uint8)
    return Faces(pixels, np.eye(8, dtype=np.float32)[truth], LABELS, np.arange(80) % 11)


def model(priors: dict[str, float]) -> OpenedModel:
    """Return a model that is right for all faces but the angry ones, which it calls contempt."""

    def logits(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        answers = np.zeros((len(pixels), 8), np.float32)
        answers[np.arange(len(pixels)), np.maximum(pixels[:, 24, 24] // 10, 1)] = 1
        return answers

    return OpenedModel(logits, LABELS, priors, 0.5)


def measured(name: str = "emotion") -> figures.CardFigures:
    card = ModelBundle.load(REPOSITORY / f"edge/models/{name}.tflite").card
    tests: dict[tuple[Split, LabelProtocol], Faces] = {("PrivateTest", protocol): faces() for protocol in TESTED}
    return figures.measure(card, model(dict.fromkeys(LABELS, 1 / 8)), tests, faces().pixels[:16])


def test_the_model_card_shows_the_figures_of_the_bundles_that_are_shipped() -> None:
    page = (REPOSITORY / "docs/models.md").read_text(encoding="utf-8")
    shipped = {ModelBundle.load(path).card.name: ModelBundle.load(path).card.sha256 for path in BUNDLES}
    assert len(shipped) == 3
    assert figures.shown(page) == shipped, "run 'make cards'"


def test_the_page_of_its_conversion_lies_beside_each_bundle() -> None:
    for path in BUNDLES:
        text = path.with_suffix(".md").read_text(encoding="utf-8")
        assert text.startswith(f"# {path.stem} {ModelBundle.load(path).card.version}\n")
        assert f"![Confusion matrices and reliability]({path.stem}.png)" in text
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_figures_are_by_emotion_and_agreement_and_without_pictures_of_training() -> None:
    found = measured().found
    assert list(found) == [*TESTED, "ferplus-majority, without pictures of Training"]
    one, four = found["ferplus-majority"]
    assert (one.n, one.accuracy, four.accuracy) == (80, 70 / 80, 70 / 80)
    assert found["ferplus-majority, without pictures of Training"][0].n == 64
    page = figures.replaced(PAGE.format(PLACE.format("emotion")), [measured()])
    assert "| ferplus-majority | 80 | one | 87.50% | 78.5 to 93.1 | 0.875 |" in page
    assert "| angry | 10 | 0.00 | 0.00 to 0.28 | 0.00 | 0.00 to 0.28 |" in page
    assert "| contempt | 10 | 1.00 | 0.72 to 1.00 | 1.00 | 0.72 to 1.00 |" in page
    assert "| 8 or more |" in page


def test_only_the_figures_of_a_page_are_replaced() -> None:
    page = figures.replaced(PAGE.format(PLACE.format("emotion")), [measured()])
    assert page.startswith("before\n<!-- figures of all, sha256 ")
    assert page.endswith("<!-- end of figures -->\nafter\n")
    assert "\nbetween\n" in page
    assert "old" not in page
    assert figures.shown(page) == {"emotion": measured().card.sha256}
    assert figures.replaced(page, [measured()]) == page


def test_tables_of_all_lose_no_bundle() -> None:
    page = PAGE.format(PLACE.format("emotion") + PLACE.format("emotion-tiny"))
    with pytest.raises(DataError, match="figures of emotion-tiny too: name all of its bundles"):
        figures.replaced(page, [measured()])


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(DataError, match="no place for emotion: write <!-- figures of emotion"):
        figures.replaced(PAGE.format(""), [measured()])
