"""Bad input: a clear sentence and the exit code of the contract."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from edge import __version__
from edge.camera.v4l2 import UsbSearch
from edge.inference.bundle import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Outcome

    Run = Callable[..., Outcome]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    for suffix in (".tflite", ".json"):
        shutil.copy(SHIPPED.with_suffix(suffix), tmp_path / f"model{suffix}")
    return tmp_path / "model.tflite"


def test_version(emotion_edge: Run) -> None:
    assert emotion_edge("--version").out == f"emotion-edge {__version__}\n"


@pytest.mark.parametrize("command", ["run", "bench", "doctor", "watch", "model", "config"])
def test_every_command_of_the_contract_explains_itself(emotion_edge: Run, command: str) -> None:
    outcome = emotion_edge(command, "--help")
    assert outcome.code == 0
    assert "Usage" in outcome.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[camera]\nfsp = 5", "camera.fsp: there is no such key; did you mean fps?"),
        ("[camera]\nfps = 'fast'", "camera.fps: 'fast'"),
        ("[camera\n", "not TOML"),
    ],
)
def test_a_wrong_configuration_ends_with_2(emotion_edge: Run, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    for command in ("run", "bench"):
        outcome = emotion_edge(command, "--config", file)
        assert outcome.code == 2
        assert said in outcome.err
        assert str(file) in outcome.err
        assert "Traceback" not in outcome.err


def test_a_missing_configuration_ends_with_2(emotion_edge: Run, tmp_path: Path) -> None:
    outcome = emotion_edge("config", "check", "--config", tmp_path / "absent.toml")
    assert outcome.code == 2
    assert "absent.toml: No such file or directory; 'emotion-edge config example' prints" in outcome.err


def test_an_unknown_flag_ends_with_2(emotion_edge: Run) -> None:
    assert emotion_edge("run", "--camra", "x").code == 2


def test_a_wrong_broker_ends_with_2(emotion_edge: Run) -> None:
    outcome = emotion_edge("run", "--broker", "http://x")
    assert outcome.code == 2
    assert "command line: mqtt.url: 'http://x'" in outcome.err


def test_a_missing_password_file_ends_with_2(emotion_edge: Run, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[mqtt]\nurl = 'mqtt://ann@localhost'\npassword_file = '{tmp_path}/absent'\n")
    outcome = emotion_edge("run", "--config", file, "--camera", "testcard")
    assert (outcome.code, "mqtt.password_file" in outcome.err) == (2, True)


def test_config_shows_what_is_in_force(emotion_edge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[camera]\nfps = 5\n")
    monkeypatch.setenv("EMOTION_EDGE_CAMERA__WIDTH", "320")
    shown = emotion_edge("config", "show", "--config", file).out
    assert "fps = 5.0" in shown
    assert "width = 320" in shown
    assert emotion_edge("config", "check", "--config", file).code == 0
    assert "[camera]" in emotion_edge("config", "example").out


def test_a_clip_plays_to_its_end_with_0(emotion_edge: Run, video: Path) -> None:
    outcome = emotion_edge("run", "--camera", video, "--broker", "none", "--print")
    assert (outcome.code, outcome.out) == (0, "")


@pytest.mark.parametrize("source", ["x" * 300, "~nobody-of-this-name/x", "gone.mkv"])
def test_a_path_that_leads_nowhere_ends_with_3(emotion_edge: Run, source: str) -> None:
    outcome = emotion_edge("run", "--camera", source, "--broker", "none")
    assert (outcome.code, "Traceback" in outcome.err) == (3, False)
    assert source in outcome.err


def test_a_pipe_is_no_clip(emotion_edge: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    outcome = emotion_edge("run", "--camera", tmp_path / "pipe", "--broker", "none")
    assert (outcome.code, "neither a file nor a folder" in outcome.err) == (3, True)


@pytest.mark.parametrize("kind", ["missing", "text", "empty"])
def test_a_clip_that_is_none_ends_with_3(emotion_edge: Run, tmp_path: Path, kind: str) -> None:
    clip = tmp_path / "clip.mkv"
    if kind != "missing":
        clip.write_text("hello" * 100 if kind == "text" else "")
    outcome = emotion_edge("run", "--camera", clip, "--broker", "none")
    assert outcome.code == 3
    assert "clip.mkv" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_truncated_clip_ends_like_its_end_with_a_warning(emotion_edge: Run, video: Path) -> None:
    whole = video.read_bytes()
    video.write_bytes(whole[: len(whole) // 2])
    outcome = emotion_edge("run", "--camera", video, "--broker", "none")
    assert outcome.code == 0
    assert "nobody.avi" in outcome.err


def test_no_camera_on_a_real_broker_ends_with_3(emotion_edge: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.camera.v4l2.usb_cameras", lambda _dev: UsbSearch())
    outcome = emotion_edge("run", "--camera", "auto", "--broker", "mqtt://127.0.0.1:1")
    assert outcome.code == 3
    assert "--camera testcard" in outcome.err


@pytest.mark.parametrize("model", [".", "/", "absent.tflite"])
def test_a_model_that_is_none_ends_with_4(emotion_edge: Run, model: str) -> None:
    outcome = emotion_edge("run", "--model", model, "--camera", "testcard", "--broker", "none")
    assert (outcome.code, "Traceback" in outcome.err) == (4, False)


def test_a_face_larger_than_the_frame_is_none(emotion_edge: Run, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_EDGE_FACES__MIN_HEIGHT", "40000")
    assert emotion_edge("run", "--camera", video, "--broker", "none").code == 0


@pytest.mark.parametrize("device", ["#", "a/b"])
def test_watching_what_is_no_device_ends_with_2(emotion_edge: Run, device: str) -> None:
    outcome = emotion_edge("watch", "--device", device)
    assert (outcome.code, "not a device's name: write one without '/'" in outcome.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["watch", "--broker", "mqtt://"], "write mqtt://[user@]host[:port], mqtts://"),
        (["run", "--broker", "none", "--camera", "rtsp://"], "and %40 for @"),
        (["model", "list", "--instance", "../x"], "write what stands between @ and .service"),
    ],
)
def test_what_a_message_tells_to_write_is_not_redacted(emotion_edge: Run, arguments: list[str], said: str) -> None:
    outcome = emotion_edge(*arguments)
    assert (outcome.code, said in outcome.err) == (2, True)


@pytest.mark.parametrize("file", ["absent/out", "folder", "loop"])
@pytest.mark.parametrize(
    "command", [["read", "{video}", "--json"], ["bench", "--json"], ["bench", "--report"]], ids=" ".join
)
def test_a_file_that_cannot_be_written_is_told_before_the_work(
    emotion_edge: Run, video: Path, command: list[str], file: str
) -> None:
    (video.parent / "folder").mkdir()
    (video.parent / "loop").symlink_to("loop")
    outcome = emotion_edge(*(each.format(video=video) for each in command), video.parent / file)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{file}: cannot be written: " in outcome.err


def test_a_text_file_named_tflite_ends_with_4(emotion_edge: Run, bundle: Path) -> None:
    bundle.write_text("hello")
    outcome = emotion_edge("run", "--model", bundle, "--camera", "testcard", "--broker", "none")
    assert outcome.code == 4
    assert str(bundle) in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sha256": "0" * 64}, "sha256"),
        ({"labels": ["happy", "sad"], "calibration": {"temperature": 1, "min_confidence": 0}}, "8 outputs"),
        ({"macs": "many"}, "macs"),
    ],
)
def test_a_card_that_does_not_fit_ends_with_4(
    emotion_edge: Run, bundle: Path, change: dict[str, Any], said: str
) -> None:
    card = bundle.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | change))
    outcome = emotion_edge("run", "--model", bundle, "--camera", "testcard", "--broker", "none")
    assert outcome.code == 4
    assert said in outcome.err


def test_a_defect_of_ours_ends_with_1_and_asks_for_a_report(emotion_edge: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object, **__: object) -> None:
        message = "boom"
        raise RuntimeError(message)

    monkeypatch.setattr("edge.daemon.run.run", explode)
    outcome = emotion_edge("run", "--camera", "testcard", "--broker", "none")
    assert outcome.code == 1
    assert "RuntimeError: boom" in outcome.err
    assert "Please report it" in outcome.err


def test_a_defect_in_a_thread_ends_the_process_with_1() -> None:
    program = """
import threading
import edge.daemon.run
from edge.cli.main import main
from edge.cli.run import run as run_command

def run(*_, **__):
    threading.Thread(target=lambda: 1 / 0).start()
    threading.Event().wait()

edge.daemon.run.run = run
main(lambda: run_command(camera="testcard", broker="none"))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "ZeroDivisionError" in ended.stderr
    assert "Please report it" in ended.stderr


@pytest.mark.parametrize("module", ["numpy", "cv2", "paho", "ulid"])
def test_a_missing_package_is_told_with_the_command_that_installs_it(tmp_path: Path, module: str) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from edge.cli.main import main; main()"
    command = [sys.executable, "-c", code, "run", "--camera", "testcard", "--broker", "none"]
    environ = os.environ | {"STATE_DIRECTORY": str(tmp_path)}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert f"the Python package {module}" in ran.stderr
    assert "-m pip install" in ran.stderr
