from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.console import Console

from edge.config import SYSTEM_FILE, CameraConfig, EmotionConfig, MqttConfig, OutboxConfig, Settings
from edge.doctor import Finding, examine, exit_code, host, software, table, to_json
from edge.errors import ConfigError
from edge.inference.bundle import SHIPPED
from edge.inference.store import ModelStore
from edge.system import directories
from edge.system.machine import Throttling
from edge.vision.cascades import CASCADES, cascade_file
from tests.users import as_any_user

if TYPE_CHECKING:
    from pathlib import Path


def test_the_whole_examination_fits_on_a_screen_and_in_json() -> None:
    findings = examine(Settings(camera=CameraConfig(source="testcard"), mqtt=MqttConfig(url="none")))
    console = Console(file=io.StringIO(), width=120)
    console.print(table(findings))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    names = [finding.name for finding in findings]
    assert all(name in shown for name in names)
    assert [one["name"] for one in json.loads(to_json(findings))] == names
    assert len(set(names)) == len(names)
    assert all(finding.fix for finding in findings if finding.status != "ok")


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


def test_a_defect_of_one_check_is_shown_and_costs_no_other_check(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(camera=CameraConfig(source="testcard"), mqtt=MqttConfig(url="none"))
    names = [one.name for one in examine(settings)]
    monkeypatch.setattr("edge.doctor.is_clock_synchronised", lambda: 1 // 0)
    findings = examine(settings)
    assert [one.name for one in findings] == names
    clock = findings[names.index("clock")]
    assert (clock.status, exit_code(findings)) == ("broken", 1)
    assert "ZeroDivisionError: integer division" in clock.found
    assert "report" in (clock.fix or "")
    assert "Traceback" in caplog.text


def test_the_runtime_is_named() -> None:
    finding = software.runtime()
    assert finding.status == "ok"
    assert "litert" in finding.found


def test_a_missing_pyav_is_reported_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert software.pyav().status == "ok"
    monkeypatch.setitem(sys.modules, "av", None)
    missing = software.pyav()
    assert missing.status == "broken"
    assert "pip install" in (missing.fix or "")


@pytest.mark.parametrize(
    ("module", "checks", "source"),
    [
        ("numpy", ["TFLite runtime", "model", "OpenCV", "camera"], "testcard"),
        ("cv2", ["OpenCV", "camera"], "testcard"),
        ("cv2", ["OpenCV"], "auto"),
        ("av", ["PyAV", "camera"], "CLIP"),
        ("paho", ["broker"], "auto"),
        ("ai_edge_litert", ["model"], "auto"),
    ],
)
def test_without_a_library_the_whole_examination_names_the_command_that_installs_it(
    video: Path, module: str, checks: list[str], source: str
) -> None:
    source = source.replace("CLIP", str(video))
    doctor_without = f"import sys; sys.modules[{module!r}] = None; from edge.cli.main import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", doctor_without, "doctor", "--json"],
        env=os.environ | {"EMOTION_EDGE_CAMERA__SOURCE": source, "EMOTION_EDGE_MQTT__URL": "mqtt://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (1, "")
    findings = {one["name"]: one for one in json.loads(ran.stdout)}
    for check in checks:
        assert findings[check]["status"] == "broken"
        assert f"needs {module}" in findings[check]["found"]
        assert "pip install" in findings[check]["fix"]


def test_numpy_is_asked_of_apt_where_the_environment_sees_the_systems_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    error = ModuleNotFoundError("No module named 'numpy'", name="numpy")
    assert "pip install 'numpy" in (software.missing("model", error).fix or "")
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = true\n")
    assert software.missing("model", error).fix == "sudo apt install python3-numpy"
    unknown = ModuleNotFoundError("No module named 'jinja2'", name="jinja2")
    assert "pip" not in (software.missing("model", unknown).fix or "")  # no index has this project


def test_opencv_has_its_cascade() -> None:
    finding = software.opencv()
    assert finding.status == "ok"
    assert "haarcascade_frontalface_default.xml" in finding.found


def test_every_cascade_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, *others = CASCADES
    (tmp_path / first).write_bytes(cascade_file(first).read_bytes())
    monkeypatch.setattr("cv2.data.haarcascades", str(tmp_path))
    monkeypatch.setattr("edge.vision.cascades._FOLDERS", ())
    finding = software.opencv()
    assert finding.status == "broken"
    assert others[0] in finding.found


def test_a_missing_and_a_wrong_model_are_broken(tmp_path: Path) -> None:
    path = tmp_path / "mine.tflite"
    missing = software.model(EmotionConfig(model=path), tmp_path)
    assert missing.status == "broken"
    assert str(path) in missing.found
    path.write_text("no model")
    path.with_suffix(".json").write_text("{}")
    assert software.model(EmotionConfig(model=path), tmp_path).status == "broken"


@pytest.mark.skipif(not SHIPPED.exists(), reason="no model bundle is shipped: make train, make convert")
def test_the_shipped_model_is_fine(tmp_path: Path) -> None:
    assert software.model(EmotionConfig(), tmp_path).status == "ok"


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ([[0.1, 0.9], [0.7, 0.3]], None),
        ([[0.5, 0.5], [0.5, 0.5]], "it gives every picture the same answer"),
        ([[0.1, 0.9], [float("nan"), 0.3]], "its answers are not probabilities"),
        ([[0.1, 0.9], [0.7, 0.7]], "its answers are not probabilities"),
    ],
)
def test_implausible_answers_are_told(answers: list[list[float]], fault: str | None) -> None:
    assert software.implausible(np.asarray(answers, np.float32)) == fault


def test_a_clock_that_is_not_synchronised_is_a_warning() -> None:
    assert host.clock(synchronised=True).status == "ok"
    assert host.clock(synchronised=False).fix == "sudo timedatectl set-ntp true"


def test_power_and_heat_have_their_own_fixes() -> None:
    assert host.power(None).status == "ok"
    assert host.power(Throttling.from_bits(0)).status == "ok"
    supply = host.power(Throttling.from_bits(0x50005))
    assert supply.status == "warning"
    assert "under-voltage, throttled (now)" in supply.found
    assert "power supply" in (supply.fix or "")
    heat = host.power(Throttling.from_bits(0x80000))
    assert "since boot, not now" in heat.found
    assert "heat sink" in (heat.fix or "")


@pytest.mark.parametrize(("governors", "status"), [(set(), "ok"), ({"ondemand"}, "ok"), ({"powersave"}, "warning")])
def test_only_powersave_is_too_slow(governors: set[str], status: str) -> None:
    assert host.governor(governors).status == status


def test_the_disk_must_hold_the_outbox(tmp_path: Path) -> None:
    state = tmp_path / "not" / "made" / "yet"
    for folder in (state, tmp_path / f"{'x' * 300}"):
        assert host.disk(OutboxConfig(max_events=1), folder).found.endswith(str(tmp_path))
    assert host.disk(OutboxConfig(max_events=10**15), state).status == "warning"


def test_the_disk_of_a_folder_that_this_user_may_not_look_into_is_checked(tmp_path: Path) -> None:
    hidden = tmp_path / "service"
    hidden.mkdir(mode=0)
    with as_any_user():
        finding = host.disk(OutboxConfig(max_events=1), hidden / "front")
    assert " MB free at " in finding.found
    assert str(hidden).startswith(finding.found.partition(" at ")[2])


def test_a_disk_that_does_not_answer_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("shutil.disk_usage", fail)
    finding = host.disk(OutboxConfig(), tmp_path)
    assert (finding.status, finding.found) == ("warning", f"{tmp_path}: Input/output error")


def test_the_service_and_its_instances_have_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(directories, "SERVICE_STATE", tmp_path / "service")
    settings = Settings(camera=CameraConfig(source="testcard"), mqtt=MqttConfig(url="none"))

    def folder(configuration: Path | None = None) -> str:
        return next(one.found for one in examine(settings, configuration=configuration) if one.name == "disk")

    assert folder().endswith(str(tmp_path))
    (tmp_path / "service" / "front").mkdir(parents=True)
    assert folder().endswith(str(tmp_path / "service"))
    assert folder(SYSTEM_FILE).endswith(str(tmp_path / "service"))
    assert folder(SYSTEM_FILE.with_name("front.toml")).endswith(str(tmp_path / "service" / "front"))


def test_the_model_that_was_chosen_is_the_one_that_is_checked(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.choose("emotion-tiny")
    assert "emotion-tiny.tflite" in software.model(EmotionConfig(), tmp_path).found
    (tmp_path / "model.json").write_text('{"model": "gone", "previous": null}')
    gone = software.model(EmotionConfig(), tmp_path)
    assert gone.status == "warning"
    assert "gone: there is no such model" in gone.found
    assert software.model(EmotionConfig(model=SHIPPED), tmp_path).status == "ok"
