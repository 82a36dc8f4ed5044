from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.cli import model_switch
from edge.inference.bundle import SHIPPED
from edge.system import directories
from edge.system.running import FILE
from tests.locks import lock_open_file_description

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Outcome

    Run = Callable[..., Outcome]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A bundle of the user's own, outside the state folder."""
    for suffix in (".tflite", ".json"):
        shutil.copy(SHIPPED.with_name(f"emotion-tiny{suffix}"), tmp_path / f"mine{suffix}")
    return tmp_path / "mine.tflite"


def listed(emotion_edge: Run, *arguments: object) -> dict[str, str]:
    return {row["name"]: row["status"] for row in json.loads(emotion_edge("model", "list", "--json", *arguments).out)}


def test_a_model_is_added_chosen_and_removed(emotion_edge: Run, mine: Path) -> None:
    assert listed(emotion_edge) == {"emotion": "chosen", "emotion-fer2013": "", "emotion-tiny": ""}
    outcome = emotion_edge("model", "add", mine)
    assert outcome.code == 0
    assert "it reads the test card's" in outcome.out
    assert "mine: added; use it with: emotion-edge model use mine" in outcome.out
    assert "mine: is there already" in emotion_edge("model", "add", mine).out
    assert "mine: chosen; no daemon runs" in emotion_edge("model", "use", "mine").out
    assert listed(emotion_edge)["mine"] == "chosen"
    assert "mine: this model is chosen" in emotion_edge("model", "remove", "mine").err
    emotion_edge("model", "use", "emotion")
    assert emotion_edge("model", "remove", "mine").out == "mine: removed\n"
    assert "mine" not in listed(emotion_edge)


def test_the_list_fits_a_terminal_and_shows_what_is_damaged(emotion_edge: Run, mine: Path) -> None:
    emotion_edge("model", "add", mine, "--name", "other")
    (Path(os.environ["STATE_DIRECTORY"]) / "models/other.tflite").write_bytes(b"x")
    out = emotion_edge("model", "list").out
    assert "chosen  emotion          0.1.0  1.04 MB  87.4% on ferplus_majority\n" in out
    assert "        angry, contempt, disgust, fear, happy, neutral, sad, surprise\n" in out
    assert "sha256" in out
    assert all(len(line) < 80 or "/" in line for line in out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("use", "absent"), "absent: there is no such model; there are emotion, emotion-fer2013, emotion-tiny"),
        (("add", "absent.tflite"), "absent.tflite: No such file or directory; a bundle is"),
        (("add", SHIPPED), "emotion: this is the name of a shipped model; give another one with --name"),
        (("remove", "emotion-tiny"), "emotion-tiny: shipped models stay"),
    ],
)
def test_what_cannot_be_done_ends_with_4(emotion_edge: Run, arguments: tuple[object, ...], said: str) -> None:
    outcome = emotion_edge("model", *arguments)
    assert outcome.code == 4
    assert said in outcome.err
    assert "Traceback" not in outcome.err


def test_a_damaged_bundle_is_not_added(emotion_edge: Run, mine: Path) -> None:
    mine.write_bytes(mine.read_bytes()[:-1])
    outcome = emotion_edge("model", "add", mine)
    assert (outcome.code, "its sha256 is" in outcome.err) == (4, True)
    assert "mine" not in listed(emotion_edge)


def test_the_configured_model_comes_first(emotion_edge: Run, mine: Path, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[emotion]\nmodel = '{mine}'\n")
    outcome = emotion_edge("model", "use", "emotion-tiny", "--config", file)
    assert f"the configuration names {mine}, which comes first" in outcome.out
    assert set(listed(emotion_edge, "--config", file).values()) == {""}


def test_a_daemon_whose_process_the_kernel_cannot_name_is_not_told(
    emotion_edge: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel gives 0 or -1 for it, which to `kill` are many processes, and to root's all."""
    told: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _: told.append(pid))
    monkeypatch.setattr(model_switch, "_TAKE_S", 0.0)
    with (Path(os.environ["STATE_DIRECTORY"]) / FILE).open("w+b") as file:
        lock_open_file_description(file)
        outcome = emotion_edge("model", "use", "emotion-tiny")
    assert told == []
    assert "the daemon cannot be told" in outcome.err
    assert "restart it" in outcome.err
    assert listed(emotion_edge)["emotion-tiny"] == "chosen"


def test_an_administrator_works_on_the_services_models(
    emotion_edge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(directories, "SERVICE_STATE", tmp_path / "service")
    assert f"{tmp_path}/emotion-edge/" in emotion_edge("model", "list").out  # there is no service
    (tmp_path / "service").mkdir()
    assert f"Added models are in {tmp_path}/service/models." in emotion_edge("model", "list").out
    (tmp_path / "front.toml").touch()
    monkeypatch.setattr("edge.cli.model.SYSTEM_FILE", tmp_path / "config.toml")
    assert f"in {tmp_path}/service/front/models." in emotion_edge("model", "list", "--instance", "front").out
    monkeypatch.setattr(sys.modules["edge.doctor.files"], "SYSTEM_FILE", tmp_path / "config.toml")
    front = tmp_path / "front.toml"
    assert f"in {tmp_path}/service/front/models." in emotion_edge("model", "list", "--config", front).out
    for name, said in (("back", "back.toml: No such file"), ("../x", "../x: not the name of an instance")):
        outcome = emotion_edge("model", "list", "--instance", name)
        assert (outcome.code, said in outcome.err) == (2, True)


def test_a_user_who_may_not_look_into_the_services_state_is_told_no_wrong_model(
    emotion_edge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(folder: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))

    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setattr(directories, "SERVICE_STATE", tmp_path)
    (tmp_path / "front.toml").touch()
    monkeypatch.setattr("edge.cli.model.SYSTEM_FILE", tmp_path / "config.toml")
    monkeypatch.setattr("edge.cli.model.os.scandir", denied)  # root may look into every folder
    outcome = emotion_edge("model", "list", "--instance", "front")
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{tmp_path}/front: Permission denied: the daemon's models are there; use sudo" in outcome.err


def test_a_user_without_rights_to_the_service_is_told_whose_models_these_are(
    emotion_edge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("edge.cli.model.SERVICE_STATE", tmp_path)  # there, but not this user's
    monkeypatch.setattr(directories, "SERVICE_STATE", tmp_path / "denied")
    assert "note: these are the models of your own daemon" in emotion_edge("model", "list").err
