from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.camera import csi
from edge.camera.open import open_camera
from edge.config import CameraConfig, MqttConfig, Settings
from edge.doctor import Finding, cameras
from edge.errors import EdgeError
from edge.system.machine import Machine
from tests.broker import free_port

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def picamera2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a picamera2.py that the child process imports."""
    folder = tmp_path / "library"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder / "picamera2.py"


def asked(source: str, url: str = "mqtt://localhost") -> Settings:
    return Settings(camera=CameraConfig(source=source), mqtt=MqttConfig(url=url))


def look(settings: Settings, dev: Path) -> Finding:
    return cameras.camera(settings, Machine(), dev)


CSI = """
class Picamera2:
    @staticmethod
    def global_camera_info():
        print("a line from the library")
        return [{"Model": "imx708", "Id": "/base/soc/i2c0mux/i2c@1/imx708@1a"}, {"Model": "cam", "Id": "/base/usb@1"}]
"""


def test_the_test_card_needs_nothing(tmp_path: Path) -> None:
    assert look(asked("testcard"), tmp_path).status == "ok"


def test_without_a_camera_a_real_broker_makes_it_broken(tmp_path: Path, picamera2: Path) -> None:
    picamera2.write_text("raise ModuleNotFoundError(\"No module named 'libcamera'\")")
    broken = look(asked("auto"), tmp_path)
    assert broken.status == "broken"
    assert "libcamera" in broken.found
    assert broken.fix
    trying = look(asked("auto", "embedded"), tmp_path)
    assert trying.status == "warning"
    assert "test card" in trying.found


def test_a_csi_camera_is_found_through_picamera2(tmp_path: Path, picamera2: Path) -> None:
    picamera2.write_text(CSI)
    assert look(asked("auto"), tmp_path) == Finding("camera", "ok", "CSI: imx708")
    assert look(asked("picamera2:0"), tmp_path).status == "ok"


def test_the_camera_that_is_asked_for_by_number_must_be_there(tmp_path: Path, picamera2: Path) -> None:
    picamera2.write_text(CSI)
    finding = look(asked("picamera2:3"), tmp_path)
    assert finding.status == "broken"
    assert "imx708" in finding.found


def test_a_camera_stack_that_hangs_is_left_alone(
    tmp_path: Path, picamera2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csi, "ASK_S", 0.5)
    picamera2.write_text("import time; time.sleep(60)")
    finding = look(asked("picamera2"), tmp_path)
    assert finding.status == "broken"
    assert "did not answer" in finding.found


def test_a_camera_stack_that_fails_says_why(tmp_path: Path, picamera2: Path) -> None:
    picamera2.write_text("raise RuntimeError('Camera __init__ sequence did not complete.')")
    assert "sequence did not complete" in look(asked("picamera2"), tmp_path).found


@pytest.mark.parametrize("status", [0, 1])
def test_the_advice_for_a_missing_picamera2_is_the_whole_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    python = tmp_path / "system-python"
    python.write_text(f"#!/bin/sh\nexit {status}\n")  # 0: it has libcamera
    python.chmod(0o755)
    monkeypatch.setattr(cameras, "_SYSTEM_PYTHON", str(python))
    monkeypatch.setattr("sys.prefix", str(tmp_path / ".venv"))
    apt = "sudo apt install python3-picamera2 && " if status else ""
    assert cameras.picamera2_fix().startswith(f"{apt}python3 -m venv --clear --system-site-packages '{tmp_path}/.venv'")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "venv.sh").touch()
    assert cameras.picamera2_fix() == f"{apt}make -C '{tmp_path}' run"
    monkeypatch.setattr("sys.prefix", "/opt/emotion-edge/0.1.0")
    assert cameras.picamera2_fix().startswith(f"{apt}sudo make install")
    monkeypatch.setattr("sys.prefix", "/usr/lib/emotion-edge")  # of the Debian package, whose files are dpkg's
    assert cameras.picamera2_fix() == f"{apt}sudo systemctl restart emotion-edge"


def test_what_is_no_v4l2_device_is_no_camera(tmp_path: Path, picamera2: Path) -> None:
    picamera2.write_text("raise ImportError")
    (tmp_path / "video0").touch()
    finding = look(asked("auto"), tmp_path)
    assert finding.status == "broken"
    assert "among 1 video nodes" in finding.found
    none = look(asked("/dev/null"), tmp_path)
    assert none.status == "broken"
    assert "/dev/null: this device is no camera" in none.found


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_device_of_another_group_names_the_group(tmp_path: Path, picamera2: Path) -> None:
    picamera2.write_text("raise ImportError")
    (tmp_path / "video0").touch(stat.S_IWUSR)
    assert "video" in (look(asked("auto"), tmp_path).fix or "")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gone.mkv", None),
        ("notes.mkv", b"no video" * 100),
        ("empty.mkv", b""),
        ("folder", None),
        ("picamera2:front", None),
        ("gopher://me:hush@host", None),
        ("~nobody-of-this-name/clip.mkv", None),
        (f"/dev/{'a' * 300}", None),
    ],
)
def test_what_run_refuses_doctor_refuses_in_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    settings = asked(name)
    with pytest.raises(EdgeError) as refused:
        open_camera(settings.camera, settings.mqtt.broker)
    finding = look(settings, tmp_path)
    assert (finding.status, finding.found) == ("broken", str(refused.value))


def test_a_clip_and_a_folder_of_images_are_fine(tmp_path: Path, video: Path) -> None:
    assert look(asked(str(video)), tmp_path) == Finding("camera", "ok", str(video))
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        assert cv2.imwrite(str(folder / name), np.zeros((30, 40), np.uint8))
    assert look(asked(str(folder)), tmp_path).status == "ok"


def test_a_stream_must_answer_and_its_password_is_not_shown(tmp_path: Path, port: int) -> None:
    assert look(asked(f"rtsp://me:secret@127.0.0.1:{port}/live"), tmp_path).status == "ok"
    silent = look(asked(f"rtsp://me:secret@127.0.0.1:{free_port()}/live"), tmp_path)
    assert silent.status == "broken"
    assert "secret" not in silent.found
    assert look(asked("rtsp://host:port/live"), tmp_path).status == "broken"
    for name in ("camera..local", f"{'a' * 64}.local"):
        impossible = look(asked(f"rtsp://{name}/live"), tmp_path)
        assert impossible.status == "broken"
        assert "the host's name cannot be one" in impossible.found
    assert look(asked(f"RTSP://127.0.0.1:{port}/live"), tmp_path).status == "ok"
