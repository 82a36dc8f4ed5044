"""A card is data from others: what is wrong with it is refused by name, and with exit code 4."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import BundleError
from edge.inference.bundle import SHIPPED, ModelBundle
from edge.inference.card import parse_card

if TYPE_CHECKING:
    from pathlib import Path

CARD = json.loads(SHIPPED.with_suffix(".json").read_text())
HUGE = "9" * 5000


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    shutil.copy(SHIPPED, tmp_path / "model.tflite")
    shutil.copy(SHIPPED.with_suffix(".json"), tmp_path / "model.json")
    return tmp_path / "model.tflite"


def refusal(bundle: Path) -> str:
    with pytest.raises(BundleError) as caught:
        ModelBundle.load(bundle)
    message = str(caught.value)
    assert caught.value.exit_code == 4
    assert message.isprintable()
    assert len(message) < 600
    return message


def with_value(keys: str, value: str) -> str:
    """Return the shipped card with a value, JSON text, in the place of another."""
    card: dict[str, Any] = json.loads(json.dumps(CARD))
    *sections, key = keys.split(".")
    part = card
    for section in sections:
        part = part[section]
    part[key] = "<here>"
    return json.dumps(card).replace('"<here>"', value)


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        ("calibration.temperature", "1e-300", "calibration.temperature: "),
        ("calibration.temperature", "1e300", "calibration.temperature: "),
        ("calibration.temperature", "Infinity", "not JSON"),
        ("calibration.temperature", "NaN", "not JSON"),
        ("calibration.temperature", '"Infinity"', "calibration.temperature: "),
        ("calibration.min_confidence", '"nan"', "calibration.min_confidence: "),
        ("calibration.priors", "null", "calibration: balance needs priors"),
        ("calibration.balance", "1.5", "calibration.balance: "),
        ("calibration.priors", "[0.5, 0.6]", "calibration: priors: their sum is 1.1 and not 1"),
        ("calibration.priors", "[1.0, 0.0]", "calibration.priors.1: "),
        ("calibration.priors", "[0.4, 0.6]", "calibration.priors: 2 of them for 8 labels"),
        ("metrics", '{"any": -Infinity}', "not JSON"),
        ("labels", '["happy", "sad", "happy"]', "labels: 'happy' is there twice"),
        ("labels", '["happy", ""]', "labels.1: must not be empty"),
        ("labels", '["happy", "s\\u0007ad"]', "labels.1: a line break, a control character"),
        ("labels", '["happy", "s\\u202ead"]', "labels.1: a line break, a control character"),
        ("labels", '["happy", " sad"]', "labels.1: a blank"),
        ("labels", '["happy", "uncertain"]', "labels: 'uncertain' is the name of what is published"),
        ("labels", '["happy", "face"]', "labels: 'face' is the name of an output"),
        ("labels", '["happy"]', "labels: must have at least 2 entries"),
        ("labels", '"happy"', "labels: must be a list"),
        ("name", '"emotion\\n2026-01-01 INFO all is well"', "name: a line break"),
        ("name", '"emotion\\u2028all is well"', "name: a line break"),
        ("name", f'"{"x" * 101}"', "name: must have at most 100 characters"),
        ("name", '""', "name: must not be empty"),
        ("version", '"1\\u001b[2J"', "version: a line break, a control character"),
        ("min_runtime", '"\\u0000"', "min_runtime: a line break"),
        ("macs", HUGE, "number out of range"),
        ("macs", "10000000000000000", "macs: must be at most 1,000,000,000,000,000"),
        ("bytes", "1e400", "bytes: "),
        ("input.width", "1000000", "input.width: must be at most 1,024"),
        ("input", "48", "input: must be a table of keys and values"),
        ("operators", '{"A\\nB": 1}', "operators.A?B"),
        ("sha256", '"\\n"', "sha256: must be the 64 hexadecimal digits"),
        ("metrics", "[" * 50_000, "not JSON"),
    ],
)
def test_what_a_card_must_not_hold_is_refused_by_name(bundle: Path, keys: str, value: str, said: str) -> None:
    bundle.with_suffix(".json").write_text(with_value(keys, value))
    message = refusal(bundle)
    assert "model.json: not a model card: " in message
    assert said in message


def test_a_card_of_ten_megabytes_is_refused(bundle: Path) -> None:
    bundle.with_suffix(".json").write_text(with_value("name", f'"{"x" * 10_000_000}"'))
    assert "model.json: this is larger than 1,000,000 bytes" in refusal(bundle)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("suffix", [".tflite", ".json"])
@pytest.mark.parametrize("kind", ["fifo", "zero", "folder"])
def test_what_is_no_regular_file_is_refused(bundle: Path, suffix: str, kind: str) -> None:
    path = bundle.with_suffix(suffix)
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    assert f"model{suffix}: this is not a regular file" in refusal(bundle)


def test_a_network_that_is_too_large_is_refused_unread(bundle: Path) -> None:
    os.truncate(bundle, 20 * 2**30)  # sparse
    assert "model.tflite: this is larger than" in refusal(bundle)


def test_a_card_with_a_byte_order_mark_and_unknown_keys_is_read(bundle: Path) -> None:
    path = bundle.with_suffix(".json")
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(CARD | {"tomorrow": {"a": 1}}).encode())
    assert parse_card(path.read_bytes(), path).model_dump()["tomorrow"] == {"a": 1}


def test_every_language_has_labels(bundle: Path) -> None:
    labels = ["怒り", "軽蔑", "tristeza profunda", "fear", "happy", "neutral", "sad", "überrascht"]
    bundle.with_suffix(".json").write_text(json.dumps(CARD | {"labels": labels}))
    assert ModelBundle.load(bundle).labels == tuple(labels)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(10**4000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from([*CARD, "tomorrow"])


@settings(max_examples=150)
@given(changes=st.dictionaries(KEYS, VALUES, min_size=1, max_size=3))
def test_any_card_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.json"
    path.write_text(json.dumps(CARD | changes))
    try:
        card = parse_card(path.read_bytes(), path)
    except BundleError as error:
        shown = str(error)
    else:
        shown = f"{card.name} {card.version} {card.macs} {', '.join(card.labels)}"
        assert len(set(card.labels)) == len(card.labels) > 1
    assert shown.isprintable()
