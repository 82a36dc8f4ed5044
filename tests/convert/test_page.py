from __future__ import annotations

import io
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from convert import page
from convert.__main__ import main
from edge.inference.bundle import SHIPPED, ModelBundle
from edge.inference.runtime import installed
from tests.train.synthetic import call

if TYPE_CHECKING:
    from tests.convert.conftest import Converted
    from tests.train.synthetic import Run

REPOSITORY = Path(__file__).parents[2]


def test_the_page_says_what_the_card_says(converted: Converted) -> None:
    card = ModelBundle.load(converted.network).card
    text = converted.network.with_suffix(".md").read_text(encoding="utf-8")
    assert text == page.make(card, "tiny.png")[0]
    assert f"{card.bytes:,} bytes" in text
    assert "![Confusion matrices and reliability](tiny.png)" in text
    gates = re.findall(r"^\| (.+?) \| .+? \| .+? \| yes \|$", text, re.MULTILINE)
    assert gates == [gate["gate"] for gate in (card.model_extra or {})["gates"]]
    for name in ("PublicTest, ferplus-majority (decides)", "PrivateTest, ferplus_majority", "PrivateTest, fer2013"):
        assert text.count(f"| {name}: mean of four views, as read on a track |") == 1
    for label in card.labels:
        assert f"| recall of {label} | 25 |" in text
    layers = re.findall(r"^\| (\d+) \| ([A-Z_0-9]+) \|", text, re.MULTILINE)
    assert len(layers) == sum(card.operators.values())


@pytest.mark.parametrize(("name", "link"), [(b"caf\xe9.png", "caf%E9.png"), (b"my model.png", "my%20model.png")])
def test_the_page_links_a_picture_of_any_name(name: bytes, link: str) -> None:
    text, _ = page.make(ModelBundle.load(SHIPPED).card, os.fsdecode(name))
    assert f"]({link})" in text
    assert text.encode()


def test_every_layer_of_a_good_network_is_well_above_its_noise(converted: Converted) -> None:
    layers = (ModelBundle.load(converted.network).card.model_extra or {})["layers"]
    measured = [layer["snr_db"] for layer in layers if layer["snr_db"] is not None]
    assert len(measured) >= len(layers) - 1  # all but the step from uint8 to int8
    assert min(measured) > 15


def test_the_picture_has_a_place_for_each_runtime(converted: Converted) -> None:
    content = converted.network.with_suffix(".png").read_bytes()
    width, height = Image.open(io.BytesIO(content)).size
    rows = (1 + len(installed()) + 2) // 2  # float, each runtime and the reliability, two in a row
    assert height / width == pytest.approx(rows * 6.8 / 15, rel=0.01)


def test_the_pages_of_shipped_bundles_are_those_of_their_cards() -> None:
    for path in sorted((REPOSITORY / "edge/models").glob("*.tflite")):
        written = path.with_suffix(".md").read_text(encoding="utf-8")
        assert written == page.make(ModelBundle.load(path).card, f"{path.stem}.png")[0], "run 'make cards'"


@pytest.mark.parametrize("missing", ["metrics", "arena", "gates", "layers"])
@pytest.mark.parametrize("command", ["page", "calibrate"])
def test_a_card_that_lacks_what_a_page_shows_is_refused(
    trained: Run,
    converted: Converted,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    command: str,
    missing: str,
) -> None:
    bundle = tmp_path / "tiny.tflite"
    bundle.write_bytes(converted.network.read_bytes())
    card = json.loads(converted.card.read_text(encoding="utf-8"))
    del card[missing]
    bundle.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    assert call(main, [command, str(bundle), *(trained.data if command == "calibrate" else [])]) == 2
    assert "card does not" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.json", "tiny.tflite"]


def test_a_page_is_written_anew_from_its_card(converted: Converted, tmp_path: Path) -> None:
    bundle = tmp_path / "tiny.tflite"
    for ending in (".tflite", ".json"):
        bundle.with_suffix(ending).write_bytes(converted.network.with_suffix(ending).read_bytes())
    assert call(main, ["page", str(bundle)]) == 0
    for ending in (".md", ".png"):
        assert bundle.with_suffix(ending).read_bytes() == converted.network.with_suffix(ending).read_bytes()


@pytest.mark.parametrize("folder", ["[v1]", "[x", "a [", "[red]b"])
def test_brackets_in_a_path_are_shown(
    converted: Converted, tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    place = tmp_path / folder
    place.mkdir()
    for path in (converted.network, converted.card):
        shutil.copy(path, place)
    assert call(main, ["page", str(place / converted.network.name)]) == 0
    assert f"{place}/tiny.md and its picture" in capsys.readouterr().out
