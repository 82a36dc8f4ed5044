from __future__ import annotations

import io
import json
import os
import shlex
import socket
import stat
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.console import Console

from edge.config import CameraConfig, EmotionConfig, MqttConfig, OutboxConfig, Settings, parse_broker
from edge.daemon.health import Machine, Throttling
from edge.doctor import Finding, cameras, examine, exit_code, host, software, table, to_json
from edge.errors import ConfigError
from edge.inference.bundle import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def port() -> Iterator[int]:
    """Listen as a broker or a network camera would."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def picamera2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder whose picamera2.py the child process imports."""
    folder = tmp_path / "library"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder / "picamera2.py"


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
    return number


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


def test_the_whole_examination_fits_on_a_screen_and_in_json() -> None:
    findings = examine(Settings(camera=CameraConfig(source="testcard"), mqtt=MqttConfig(url="none")))
    console = Console(file=io.StringIO(), width=120)
    console.print(table(findings))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    names = [finding.name for finding in findings]
    assert all(name in shown for name in names)
    assert [one["name"] for one in json.loads(to_json(findings))] == names
    assert len(set(names)) == len(names)
    assert all(finding.cure for finding in findings if finding.status != "ok")


def test_only_what_is_broken_makes_an_exit_code() -> None:
    fine, poor, bad = Finding("a", "ok", ""), Finding("b", "warning", "", "c"), Finding("d", "broken", "", "e")
    assert exit_code([fine, poor]) == 0
    assert exit_code([fine, bad, poor]) == 1


def test_markup_in_a_path_is_no_markup() -> None:
    console = Console(file=io.StringIO(), width=120)
    console.print(table([Finding("camera", "broken", "[red]/dev/video0[/red] [/x]", "a [b]")]))
    assert "[red]/dev/video0[/red] [/x]" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_wrong_configuration_is_a_finding_and_the_rest_is_still_examined() -> None:
    findings = {one.name: one for one in examine(ConfigError("config.toml: mqtt.ulr: there is no such key"))}
    assert findings["configuration"].status == "broken"
    assert "mqtt.ulr" in findings["configuration"].found
    assert findings["OpenCV"].status == "ok"


def test_a_password_file_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    mqtt = MqttConfig(url="mqtt://me@localhost", password_file=tmp_path / "password")
    assert software.configuration(Settings(mqtt=mqtt)).status == "warning"
    (tmp_path / "password").write_text("secret")
    finding = software.configuration(Settings(mqtt=mqtt))
    assert finding.status == "ok"
    assert "secret" not in finding.found


def test_the_runtime_is_named() -> None:
    finding = software.runtime()
    assert finding.status == "ok"
    assert "litert" in finding.found


def test_opencv_has_its_cascade() -> None:
    finding = software.opencv()
    assert finding.status == "ok"
    assert "haarcascade_frontalface_default.xml" in finding.found


def test_a_missing_and_a_wrong_model_are_broken(tmp_path: Path) -> None:
    path = tmp_path / "mine.tflite"
    missing = software.model(EmotionConfig(model=path))
    assert missing.status == "broken"
    assert str(path) in missing.found
    path.write_text("no model")
    path.with_suffix(".json").write_text("{}")
    assert software.model(EmotionConfig(model=path)).status == "broken"


@pytest.mark.skipif(not SHIPPED.exists(), reason="no model bundle is shipped: make train, make convert")
def test_the_shipped_model_is_fine() -> None:
    assert software.model(EmotionConfig()).status == "ok"


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ([[0.1, 0.9], [0.7, 0.3]], None),
        ([[0.5, 0.5], [0.5, 0.5]], "it gives every picture the same answer"),
        ([[0.1, 0.9], [float("nan"), 0.3]], "its answers are no probabilities"),
        ([[0.1, 0.9], [0.7, 0.7]], "its answers are no probabilities"),
    ],
)
def test_implausible_answers_are_told(answers: list[list[float]], fault: str | None) -> None:
    assert software.implausible(np.asarray(answers, np.float32)) == fault


def test_the_test_card_needs_nothing(tmp_path: Path) -> None:
    assert look(asked("testcard"), tmp_path).status == "ok"


def test_without_a_camera_a_real_broker_makes_it_broken(tmp_path: Path, picamera2: Path) -> None:
    picamera2.write_text("raise ModuleNotFoundError(\"No module named 'libcamera'\")")
    broken = look(asked("auto"), tmp_path)
    assert broken.status == "broken"
    assert "libcamera" in broken.found
    assert broken.cure
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
    monkeypatch.setattr(cameras, "_ASK_S", 0.5)
    picamera2.write_text("import time; time.sleep(60)")
    finding = look(asked("picamera2"), tmp_path)
    assert finding.status == "broken"
    assert "did not answer" in finding.found


def test_a_camera_stack_that_fails_says_why(tmp_path: Path, picamera2: Path) -> None:
    picamera2.write_text("raise RuntimeError('Camera __init__ sequence did not complete.')")
    assert "sequence did not complete" in look(asked("picamera2"), tmp_path).found


def test_hidden_system_packages_are_shown_by_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "system-python"
    python.write_text("#!/bin/sh\nexit 0\n")  # which has libcamera
    python.chmod(0o755)
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    monkeypatch.setattr(cameras, "_SYSTEM_PYTHON", str(python))
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    subprocess.run(shlex.split(cameras.picamera2_cure()), check=True)
    assert "include-system-site-packages = true" in (tmp_path / "pyvenv.cfg").read_text()


def test_what_is_no_v4l2_device_is_no_camera(tmp_path: Path, picamera2: Path) -> None:
    picamera2.write_text("raise ImportError")
    (tmp_path / "video0").touch()
    finding = look(asked("auto"), tmp_path)
    assert finding.status == "broken"
    assert "among 1 video devices" in finding.found
    assert look(asked("/dev/null"), tmp_path) == Finding(
        "camera", "broken", "/dev/null is no camera", "v4l2-ctl --list-devices"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_device_of_another_group_names_the_group(tmp_path: Path, picamera2: Path) -> None:
    picamera2.write_text("raise ImportError")
    (tmp_path / "video0").touch(stat.S_IWUSR)
    assert "video" in (look(asked("auto"), tmp_path).cure or "")


def test_clips_and_folders_must_exist(tmp_path: Path) -> None:
    assert look(asked(str(tmp_path)), tmp_path).status == "ok"
    assert look(asked(str(tmp_path / "clip.mkv")), tmp_path).status == "broken"


def test_a_stream_must_answer_and_its_password_is_not_shown(tmp_path: Path, port: int) -> None:
    assert look(asked(f"rtsp://me:secret@127.0.0.1:{port}/live"), tmp_path).status == "ok"
    silent = look(asked(f"rtsp://me:secret@127.0.0.1:{closed_port()}/live"), tmp_path)
    assert silent.status == "broken"
    assert "secret" not in silent.found
    assert look(asked("rtsp://host:port/live"), tmp_path).status == "broken"


def test_a_broker_that_is_silent_is_a_warning_only(port: int) -> None:
    assert host.broker(parse_broker(f"mqtt://127.0.0.1:{port}")).status == "ok"
    silent = host.broker(parse_broker(f"mqtt://me@127.0.0.1:{closed_port()}"))
    assert silent.status == "warning"
    assert silent.cure == "sudo apt install mosquitto"
    assert host.broker(parse_broker("none")).status == "ok"
    assert host.broker(parse_broker("embedded")).status == "ok"


def test_the_kernel_is_asked_for_the_clock() -> None:
    assert host.is_clock_synchronised() in {True, False}
    assert host.clock(synchronised=True).status == "ok"
    assert host.clock(synchronised=False).cure == "sudo timedatectl set-ntp true"


def test_power_and_heat_have_their_own_cures() -> None:
    assert host.power(None).status == "ok"
    assert host.power(Throttling.from_bits(0)).status == "ok"
    supply = host.power(Throttling.from_bits(0x50005))
    assert supply.status == "warning"
    assert "under-voltage, throttled (now)" in supply.found
    assert "power supply" in (supply.cure or "")
    heat = host.power(Throttling.from_bits(0x80000))
    assert "since the boot, not now" in heat.found
    assert "heat sink" in (heat.cure or "")


@pytest.mark.parametrize(("governors", "status"), [(set(), "ok"), ({"ondemand"}, "ok"), ({"powersave"}, "warning")])
def test_only_powersave_is_too_slow(governors: set[str], status: str) -> None:
    assert host.governor(governors).status == status


def test_the_disk_must_hold_the_outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "not" / "made" / "yet"))
    assert host.disk(OutboxConfig(max_events=1)).found.endswith(str(tmp_path))
    assert host.disk(OutboxConfig(max_events=10**15)).status == "warning"
