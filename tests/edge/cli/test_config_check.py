"""`config check` ends as `run` would: `systemctl reload` and the installer go by that."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.inference.bundle import SHIPPED, read_files
from edge.inference.store import ModelStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Outcome

WATCHED = "[camera]\nsource = 'testcard'\n"
HOOK = "[[hooks]]\non = 'changed'\nemotion = 'hapy'\ncommand = ['true']\n"
NETWORK = "[mqtt]\nurl = 'mqtts://me@localhost'\n"


def without_priors(folder: Path) -> Path:
    """Return a copy of the shipped bundle whose card has no class priors."""
    made = folder / "plain.tflite"
    shutil.copy(SHIPPED, made)
    card = json.loads(SHIPPED.with_suffix(".json").read_text("utf-8"))
    del card["calibration"]["priors"]
    card["calibration"]["balance"] = 0.0
    made.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return made


@pytest.fixture
def configured(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        file = tmp_path / "config.toml"
        file.write_text(WATCHED + text.format(plain=without_priors(tmp_path), folder=tmp_path), encoding="utf-8")
        return file

    return write


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("[emotion]\nmodel = '/nonexistent/x.tflite'\n" + HOOK, 4, "/nonexistent/x.tflite: "),
        (HOOK, 2, "hook 1: emotion: 'hapy' is no emotion of the model"),
        ("[emotion]\nmodel = '{plain}'\nbalance = 0.5\n", 2, "emotion.balance: the card of the model"),
        (NETWORK + "password_file = '{folder}/absent'\n", 2, "mqtt.password_file: "),
        (NETWORK + "ca_file = '{folder}/absent'\n", 2, "mqtt.ca_file: "),
        ("[preview]\nenabled = true\ntoken_file = '{folder}/absent'\n", 2, "preview.token_file: "),
    ],
)
def test_it_ends_as_run_does(
    emotion_edge: Callable[..., Outcome], configured: Callable[[str], Path], text: str, code: int, said: str
) -> None:
    file = configured(text)
    checked, ran = emotion_edge("config", "check", "--config", file), emotion_edge("run", "--config", file)
    (reason,) = [line for line in ran.err.splitlines() if line.startswith(f"emotion-edge: {said}")]
    assert (checked.code, ran.code) == (code, code)
    assert reason in checked.err.splitlines()
    assert "fine" not in checked.out


def test_a_token_of_the_state_folder_is_checked(
    emotion_edge: Callable[..., Outcome], configured: Callable[[str], Path]
) -> None:
    (Path(os.environ["STATE_DIRECTORY"]) / "preview.token").write_text("short")
    file = configured("[preview]\nenabled = true\naddress = '0.0.0.0:0'\n")
    checked = emotion_edge("config", "check", "--config", file)
    assert checked.code == 2
    assert "preview.token" in checked.err


def test_an_embedded_broker_that_is_not_installed_is_refused(
    emotion_edge: Callable[..., Outcome], configured: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "amqtt.broker", raising=False)
    monkeypatch.setitem(sys.modules, "amqtt", None)
    file = configured("[mqtt]\nurl = 'embedded'\n")
    checked, ran = emotion_edge("config", "check", "--config", file), emotion_edge("run", "--config", file)
    (reason,) = [line for line in ran.err.splitlines() if "the embedded broker is not installed" in line]
    assert (checked.code, ran.code) == (2, 2)
    assert reason in checked.err.splitlines()
    assert "pip install 'amqtt>=" in reason


@pytest.mark.parametrize("source", ["ftp://h/x", "picamera2:x", "rtsp://"])
def test_a_source_that_is_none_is_refused_though_no_camera_is_opened(
    emotion_edge: Callable[..., Outcome], tmp_path: Path, source: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[camera]\nsource = '{source}'\n", encoding="utf-8")
    checked, ran = emotion_edge("config", "check", "--config", file), emotion_edge("run", "--config", file)
    assert (checked.code, ran.code) == (2, 2)
    assert checked.err == ran.err
    assert "camera.source: " in checked.err


def test_a_file_may_have_any_name(emotion_edge: Callable[..., Outcome], configured: Callable[[str], Path]) -> None:
    checked = emotion_edge("config", "check", "--config", configured("[emotion]\nmodel = '/absent\u2028b.tflite'\n"))
    assert checked.code == 4
    assert "defect" not in checked.err


def test_a_hook_for_an_emotion_of_another_model_of_the_device_never_runs(
    emotion_edge: Callable[..., Outcome],
    configured: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    store, files = ModelStore(tmp_path / "state"), read_files(SHIPPED)
    card = files.card_text.replace(b'"surprise"', b'"bored"')
    store.add("mine", replace(files, card_text=card))
    checked = emotion_edge("config", "check", "--config", configured(HOOK.replace("hapy", "bored")))
    assert (checked.code, "hook 1: emotion: 'bored' is no emotion of the model" in checked.err) == (0, True)
    assert "the hook never runs" in checked.err


def test_what_run_takes_is_fine(emotion_edge: Callable[..., Outcome], configured: Callable[[str], Path]) -> None:
    file = configured("[emotion]\nmodel = '{plain}'\nbalance = 0\n")
    checked = emotion_edge("config", "check", "--config", file)
    assert (checked.code, checked.out) == (0, f"{file}: fine\n")


def test_a_chosen_model_that_does_not_load_stays_chosen(
    emotion_edge: Callable[..., Outcome],
    configured: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`run` uses the one before, so the configuration is fine."""
    state = tmp_path / "state"
    monkeypatch.setenv("STATE_DIRECTORY", str(state))
    (state / "models").mkdir(parents=True)
    for suffix in (".tflite", ".json"):
        (state / "models" / f"broken{suffix}").write_text("{}")
    ModelStore(state).choose("broken")
    checked = emotion_edge("config", "check", "--config", configured(""))
    assert (checked.code, "broken" in checked.err) == (0, True)
    choice = ModelStore(state).choice
    assert choice
    assert choice.model == "broken"
