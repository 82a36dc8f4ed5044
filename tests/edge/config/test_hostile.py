"""A configuration that is not one: every mistake ends with a short sentence, quickly."""

from __future__ import annotations

import os
import time
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import Settings, load, show
from edge.doctor.software import configuration
from edge.errors import ConfigError
from edge.mqtt.credentials import credentials

if TYPE_CHECKING:
    from pathlib import Path


def refusal(file: Path, environ: dict[str, str] | None = None, flags: dict[str, Any] | None = None) -> str:
    began_s = time.process_time()
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {}, flags or {})
    assert time.process_time() - began_s < 2
    message = str(caught.value)
    assert all(line.isprintable() and len(line) < 600 for line in message.splitlines())
    assert len(message.splitlines()) <= 21
    return message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[camera]\nwidth = " + "1" * 5000, "line 2 is longer than 2,000 characters"),
        ("[camera]\nwidth = 0x" + "f" * 1900, "camera.width: a number of more than 19 digits: must be"),
        ("[camera]\nfps = 1" + "0" * 1900, "camera.fps: a number of more than 19 digits: must be"),
        ("[camera]\nrotate = -0x" + "f" * 1900, "not TOML"),
        ("x = " + "[" * 1900, "not TOML: lists or tables are nested too deeply"),
        ("x = " + "[\n" * 9000, "not TOML: lists or tables are nested too deeply"),
        ("x = " + "{a=" * 600, "not TOML: lists or tables are nested too deeply"),
        ("x = " + "[" * 200 + "]" * 200, "x: there is no such section"),
        ("camera.width = " + "[" * 200 + "]" * 200, "camera.width: a list: must be a whole number"),
        ("a" + ".a" * 20_000 + " = 1", "line 1 is longer than 2,000 characters"),
        (("a" + ".a" * 990 + " = 1\n") * 30, "not TOML"),
        ("camera.source" + ".a" * 900 + " = 1", "camera.source: must be a text"),
        ("[mqtt]\ndevice = '" + "x" * 1900 + "'", "mqtt.device: '" + "x" * 79 + "…': must have at most 64"),
        ("#" * 70_000, "this is larger than 65,536 bytes"),
        ("\n".join(f"x{number} = 1" for number in range(4000)), "and 3980 more"),
        ("'" + "x" * 1900 + "' = 1", "x…: there is no such section"),
        ('"\\u001b[2J\\u0000" = 1', "?[2J?: there is no such section"),
        ("x = '\x7f'", "not TOML"),
        ('[camera]\nsource = "a\\u007F"', "camera.source: 'a?': the character U+007F is not allowed"),
        ('[emotion]\nmodel = "a\\n"', "emotion.model: 'a?': the character U+000A is not allowed"),
        ('[mqtt]\ndevice = "a\\u0085b"', "mqtt.device: 'a?b': the character U+0085 is not allowed"),
        ('[mqtt]\ndevice = "a\\uFDD0"', "the character U+FDD0 is not allowed"),
        ('[mqtt]\nbase_topic = "a\\U0001FFFE"', "the character U+1FFFE is not allowed"),
        ('[homeassistant]\nprefix = "a\\uFEFF"', "the character U+FEFF is not allowed"),
        ('[camera]\nsource = ""', "camera.source: '': must not be empty"),
        ("camera = 1979-05-27", "camera: 1979-05-27: must be a table"),
        ("[[camera]]\n[[camera]]", "camera: a list: must be a table"),
    ],
)
def test_what_is_no_configuration_is_refused_with_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    assert said in refusal(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfea\x00", "config.toml: not UTF-8 text (byte 0); save it as UTF-8"),
        (b"[camera]\nsource = '\xff'", "not UTF-8 text (byte 19)"),
        (b"\x00", "not TOML"),
    ],
)
def test_other_encodings_are_named(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    assert said in refusal(file)


def test_a_file_that_never_ends_is_refused(tmp_path: Path) -> None:
    zero, fifo = tmp_path / "zero.toml", tmp_path / "fifo.toml"
    zero.symlink_to("/dev/zero")
    os.mkfifo(fifo)
    for file in (zero, fifo):
        assert refusal(file) == f"{file}: this is not a regular file; name a TOML file"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CAMERA__WIDTH", "1" * 5000, "camera.width"),
        ("CAMERA__ROTATE", "9" * 5000, "camera.rotate"),
        ("CAMERA__ROTATE", "٩٠", "camera.rotate"),
        ("CAMERA__SOURCE", "x" * 100_000 + "\n", "camera.source: '…': the character U+000A"),
        ("CAMERA__SOURCE", os.fsdecode(b"\xff"), "the character U+DCFF is not allowed"),
        ("CAMERA__FPS", "1e999", "camera.fps: '1e999': must be a finite number"),
        ("CAMERA__FPS", "", "camera.fps: '': must be a number"),
        ("CAMERA__" + "X" * 100_000, "1", "camera.…: there is no such key; known are source, "),
        ("X" * 100_000 + "__A", "1", "environment: …: there is no such section"),
        ("__", "1", "there is no such section"),
    ],
)
def test_variables_that_are_no_settings_are_refused(tmp_path: Path, name: str, value: str, said: str) -> None:
    file = tmp_path / "config.toml"
    file.touch()
    message = refusal(file, {f"EMOTION_EDGE_{name}": value})
    assert message.startswith("environment: ")
    assert said in message


def test_a_password_in_place_of_its_file_is_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[mqtt]\nurl = 'mqtt://me@x'\npassword_file = 'hush'\n")
    settings = load(file, {}, {})
    assert 'password_file = "…"  # not shown in full' in show(settings)
    with pytest.raises(ConfigError, match=r"mqtt\.password_file: …: No such file or directory; name a file that holds"):
        credentials(settings.mqtt)
    assert "hush" not in str(configuration(settings))
    assert "hush" not in refusal(file, {"EMOTION_EDGE_MQTT__PASSWORD_FILE": "hush\n"})


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[camera]\r\nfps = 7\r\n", encoding="utf-8-sig")
    assert load(file, {}, {}).camera.fps == 7


@pytest.mark.parametrize(
    "name",
    ["EMOTION__MODEL", "EMOTION__MIN_CONFIDENCE", "FACES__MIN_SCORE", "MQTT__PASSWORD_FILE", "MQTT__CA_FILE",
     "MQTT__CERT_FILE", "MQTT__KEY_FILE", "OUTBOX__PATH"],
)  # fmt: skip
def test_a_variable_may_be_empty_where_the_example_says_so(tmp_path: Path, name: str) -> None:
    section, key = name.lower().split("__")
    file = tmp_path / "config.toml"
    file.touch()
    assert load(file, {f"EMOTION_EDGE_{name}": ""}, {}) == Settings()
    file.write_text(f"[{section}]\n{key} = ''\n")
    assert load(file, {}, {}) == Settings()
    description = type(getattr(Settings(), section)).model_fields[key].description
    assert "empty:" in (description or "").lower()


@pytest.mark.parametrize("source", ["a \"b\" 'c' \\d\\", "müsli 日本\u2028", "[camera] #", "\u00a0"])
def test_what_is_accepted_is_shown_as_toml_that_loads_again(tmp_path: Path, source: str) -> None:
    file = tmp_path / "config.toml"
    settings = Settings.model_validate({"camera": {"source": source}})
    file.write_text(show(settings))
    assert load(file, {}, {}) == settings
    assert tomllib.loads(show(settings))["camera"]["source"] == source
