from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from edge.config import (
    CameraConfig,
    EmotionConfig,
    FacesConfig,
    FramesConfig,
    HealthConfig,
    HomeAssistantConfig,
    HookConfig,
    LslConfig,
    MqttConfig,
    OutboxConfig,
    PreviewConfig,
    Settings,
    SummaryConfig,
    example,
    load,
    show,
)
from edge.errors import ConfigError
from tests.users import as_any_user


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def file(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text)
        return path

    return file


def mistake(file: Path | None, environ: dict[str, str] | None = None, flags: dict[str, Any] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {}, flags or {})
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_defaults_hold_without_any_source(write: Any) -> None:
    assert load(write(""), {}, {}) == Settings()


def test_flags_win_over_environment_over_file_over_defaults(write: Any) -> None:
    file = write("[camera]\nfps = 5\nwidth = 320\nheight = 240\n")
    settings = load(
        file,
        {"EMOTION_EDGE_CAMERA__FPS": "10", "EMOTION_EDGE_CAMERA__WIDTH": "800", "HOME": "/"},
        {"camera.fps": 20, "camera.source": None},
    )
    assert (settings.camera.fps, settings.camera.width, settings.camera.height) == (20, 800, 240)
    assert settings.camera.source == "auto"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[camera]\nfsp = 5", ["config.toml", "camera.fsp", "did you mean fps?"]),
        ("[camra]\nfps = 5", ["config.toml", "camra", "did you mean camera?"]),
        ("camera = 3", ["config.toml", "camera", "3"]),
        ("[camera]\nfps = 'fast'", ["config.toml", "camera.fps", "'fast'", "number"]),
        ("[camera]\nfps = 0", ["config.toml", "camera.fps", "greater than 0"]),
        ("[camera]\nrotate = 45", ["config.toml", "camera.rotate", "45", "0, 90, 180 or 270"]),
        ("[mqtt]\nurl = 'http://x'", ["config.toml", "mqtt.url", "'http://x'", "mqtt://[user@]host[:port]"]),
        ("[mqtt]\nurl = 'mqtt://u:secret@x'", ["mqtt.url", "mqtt.password_file"]),
        ("[mqtt]\ncert_file = 'a'", ["config.toml", "mqtt", "go together"]),
        ("[mqtt]\ndevice = 'a/b'", ["config.toml", "mqtt.device", "'a/b'"]),
        ("[camera\nfps = 5", ["config.toml", "not TOML", "line 1"]),
        ("[camera]\nfps = nan", ["camera.fps"]),
    ],
)
def test_a_mistake_names_file_key_value_and_what_is_allowed(write: Any, text: str, parts: list[str]) -> None:
    message = mistake(write(text))
    for part in parts:
        assert part in message


def test_every_mistake_is_told_at_once(write: Any) -> None:
    assert len(mistake(write("[camera]\nfps = 0\nwidth = 1\n[x]\n")).splitlines()) == 3


def test_a_mistake_names_environment_and_command_line(write: Any) -> None:
    assert mistake(write(""), {"EMOTION_EDGE_CAMERA__FPS": "x"}).startswith("environment: camera.fps")
    assert mistake(write(""), flags={"camera.fps": "x"}).startswith("command line: camera.fps")


def test_a_flag_that_is_no_text_is_a_mistake(write: Any) -> None:
    for wrong in (False, 7, ["mqtt://a"]):
        assert mistake(write(""), flags={"mqtt.url": wrong}).startswith("command line: mqtt.url")


def test_every_key_can_be_set_by_environment(write: Any) -> None:
    values = {
        "camera": CameraConfig(
            source="x", width=320, height=240, fps=5, rotate=90, focus_m=2, low_light_fps=4, stall_s=3, give_up_s=9
        ),
        "faces": FacesConfig(min_height=30, max_faces=3, notice_s=1, min_score=0.2),
        "emotion": EmotionConfig(model=Path("m.tflite"), threads=2, min_confidence=0.3, balance=0.2, hold_s=1),
        "frames": FramesConfig(enabled=True, rate_hz=5),
        "preview": PreviewConfig(enabled=True, address="[::1]:9", token_file=Path("t"), minutes=2),
        "mqtt": MqttConfig(
            url="mqtts://ann@host",
            device="d",
            base_topic="a/b",
            password_file=Path("p"),
            ca_file=Path("a"),
            cert_file=Path("c"),
            key_file=Path("k"),
        ),
        "outbox": OutboxConfig(path=Path("o"), max_events=5, max_age_h=1),
        "homeassistant": HomeAssistantConfig(enabled=False, prefix="ha"),
        "lsl": LslConfig(enabled=True, slots=3),
        "summary": SummaryConfig(enabled=False),
        "health": HealthConfig(every_s=5),
    }
    assert values.keys() == dict(Settings().sections()).keys()
    environ = {}
    for section, value in values.items():
        for key in type(value).model_fields:
            assert getattr(value, key) != type(value).model_fields[key].default, f"{section}.{key} is not changed"
            environ[f"EMOTION_EDGE_{section}__{key}".upper()] = str(getattr(value, key))
    assert load(write(""), environ, {}) == Settings(**values)


def test_a_frame_is_no_stall(write: Any) -> None:
    assert "raise one of them" in mistake(write("[camera]\nfps = 0.1"))


def test_a_missing_file_is_a_mistake(tmp_path: Path) -> None:
    assert "No such file" in mistake(tmp_path / "absent.toml")


def test_the_systems_file_in_a_folder_that_is_closed_to_this_user_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "emotion-edge"
    monkeypatch.setattr(import_module("edge.config.load"), "SYSTEM_FILE", closed / "config.toml")
    assert load(None, {}, {}) == Settings()
    closed.mkdir(mode=0)
    with as_any_user():
        assert "this user may not read it" in mistake(None)


def test_a_password_in_an_address_is_not_repeated(write: Any) -> None:
    assert "hunter2" not in mistake(write("[mqtt]\nurl = 'mqtt://u:hunter2@x'"))
    shown = show(load(write("[camera]\nsource = 'rtsp://ann:hunter@2@cam/1'"), {}, {}))
    assert "rtsp://…@cam/…" in shown


def test_shown_settings_load_again(write: Any) -> None:
    settings = load(write("[camera]\nfps = 7.5\nsource = 'a \"b\"\\\\c'\n[mqtt]\ndevice = 'küche'\n"), {}, {})
    assert load(write(show(settings)), {}, {}) == settings


def test_the_example_changes_nothing_and_names_every_key(write: Any) -> None:
    text = example()
    assert load(write(text), {}, {}) == Settings()
    uncommented = "\n".join(
        line.removeprefix("# ")
        for line in text.splitlines()
        if " = " in line and "://" not in line and "http" not in line
    )
    assert "fps = 15.0" in uncommented
    for section, values in Settings().sections():
        assert f"[{section}]" in text
        for key in type(values).model_fields:
            assert f"# {key} =" in text
    assert all(f"# {key} =" in text.partition("# [[hooks]]")[2] for key in HookConfig.model_fields)
    assert tomllib.loads(text) == {section: {} for section, _ in Settings().sections()}


def test_a_broker_that_a_flag_names_gets_no_credentials_of_the_configured_one_that_it_cannot_use(write: Any) -> None:
    files = 'password_file = "/p"\nca_file = "/ca"\ncert_file = "/c"\nkey_file = "/k"'
    file = write(f'[mqtt]\nurl = "mqtts://me@home"\n{files}\n')
    for url in ("embedded", "none", "mqtt://127.0.0.1:1884"):
        mqtt = load(file, {"EMOTION_EDGE_MQTT__PASSWORD_FILE": "/q"}, {"mqtt.url": url}).mqtt
        assert (mqtt.password_file, mqtt.ca_file, mqtt.cert_file, mqtt.key_file) == (None, None, None, None)
    mqtt = load(file, {}, {"mqtt.url": "mqtt://other@home"}).mqtt
    assert (mqtt.password_file, mqtt.ca_file) == (Path("/p"), None)
    mqtt = load(file, {}, {"mqtt.url": "mqtts://me@test.mosquitto.org"}).mqtt  # which must not learn the password
    assert (mqtt.password_file, mqtt.ca_file, mqtt.cert_file, mqtt.key_file) == (None, Path("/ca"), None, None)
    mqtt = load(file, {}, {"mqtt.url": "mqtts://home"}).mqtt
    assert (mqtt.password_file, mqtt.ca_file, mqtt.key_file) == (None, Path("/ca"), Path("/k"))
    # What a flag names is meant, and a mistake of the file's own stays one.
    assert "password_file" in mistake(file, flags={"mqtt.url": "mqtt://home", "mqtt.password_file": "/mine"})
    assert "password_file" in mistake(write('[mqtt]\nurl = "mqtt://home"\npassword_file = "/p"'))
