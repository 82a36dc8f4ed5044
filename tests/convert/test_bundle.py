from __future__ import annotations

import errno
import json
import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from convert import bundle
from convert.__main__ import main
from edge.errors import BundleError, OutputError
from edge.inference.bundle import ModelBundle
from edge.inference.card import Card
from tests.train.synthetic import call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.convert.conftest import Converted


def parts(converted: Converted) -> tuple[bytes, Card]:
    return converted.network.read_bytes(), Card.model_validate_json(converted.card.read_bytes())


def test_both_files_appear(converted: Converted, tmp_path: Path) -> None:
    path = bundle.write(tmp_path / "new" / "emotion.v2", *parts(converted))
    assert path.name == "emotion.v2.tflite"
    assert {file.name for file in path.parent.iterdir()} == {
        f"emotion.v2.{ending}" for ending in ("tflite", "json", "md", "png")
    }
    assert ModelBundle.load(path).card == parts(converted)[1]


def test_a_card_never_replaces_the_report_of_its_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cnn.json").write_text("the training's report")
    assert call(main, [str(tmp_path / "cnn.keras"), "--out", str(tmp_path / "cnn")]) == 2
    assert "this is the report of" in "".join(capsys.readouterr().err.splitlines())
    (tmp_path / "cnn.toml").touch()  # now what is said of the model stands there, and the other file is a card
    bundle.check_place(tmp_path / "cnn", tmp_path / "cnn.keras")
    bundle.check_place(tmp_path / "new" / "cnn", tmp_path / "cnn.keras")


def test_what_does_not_load_is_not_written(converted: Converted, tmp_path: Path) -> None:
    content, card = parts(converted)
    with pytest.raises(BundleError, match="labels"):
        bundle.write(tmp_path / "tiny", content, card.model_copy(update={"labels": ("happy", "sad")}))
    with pytest.raises(BundleError, match="sha256"):
        bundle.write(tmp_path / "tiny", content + b"more", card)
    assert list(tmp_path.iterdir()) == []


def test_a_card_that_cannot_be_placed_brings_the_old_network_back(converted: Converted, tmp_path: Path) -> None:
    old = b"the old network"
    (tmp_path / "tiny.tflite").write_bytes(old)
    (tmp_path / "tiny.json").mkdir()  # a file cannot replace a folder
    with pytest.raises(OutputError, match="directory; nothing was changed"):
        bundle.write(tmp_path / "tiny", *parts(converted))
    assert (tmp_path / "tiny.tflite").read_bytes() == old
    (tmp_path / "tiny.tflite").unlink()
    with pytest.raises(OutputError, match="directory"):
        bundle.write(tmp_path / "tiny", *parts(converted))
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.json"]


def test_files_that_are_replaced_keep_their_permissions(converted: Converted, tmp_path: Path) -> None:
    for ending in ("tflite", "json"):
        (tmp_path / f"tiny.{ending}").touch(mode=0o600)
    bundle.write(tmp_path / "tiny", *parts(converted))
    assert {(tmp_path / f"tiny.{ending}").stat().st_mode & 0o777 for ending in ("tflite", "json")} == {0o600}


def test_the_card_is_plain_json_without_a_time(converted: Converted, tmp_path: Path) -> None:
    shutil.copy(converted.card, tmp_path / "card.json")
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["schema"] == 1
    assert not re.search(r"20\d\d-\d\d", json.dumps(card))


def test_a_full_disk_leaves_what_was_there(
    converted: Converted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.tflite").write_bytes(b"the old network")
    write_bytes = type(tmp_path).write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.suffix == ".json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_bytes(path, data)

    monkeypatch.setattr(type(tmp_path), "write_bytes", full)
    with pytest.raises(OutputError, match="No space left on device; nothing was changed"):
        bundle.write(tmp_path / "tiny", *parts(converted))
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("tiny.tflite", b"the old network")]


@pytest.mark.parametrize(
    ("name", "said"), [("x" * 101, "at most 100 characters"), ("a\nb", "a line break"), (" a", "blank")]
)
def test_a_name_that_no_card_may_have_is_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    assert call(main, ["absent.keras", "--out", str(tmp_path / "tiny"), "--name", name]) == 2
    told = capsys.readouterr().err
    assert "cannot be the bundle's name" in told
    assert said in told
    assert "absent" not in told
