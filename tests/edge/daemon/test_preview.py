"""The preview of a whole daemon."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from edge.camera.testcard import TestCard
from edge.cli.optional_value import with_value
from edge.config import CameraConfig, MqttConfig, PreviewConfig, Settings
from edge.daemon import run
from edge.testcard import Scene
from tests.broker import wait_until
from tests.edge.daemon.world import ROOT
from tests.edge.preview.viewer import Viewer
from tests.in_process import daemon

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.broker import Mosquitto, Subscriber
    from tests.conftest import Outcome

    Run = Callable[..., Outcome]


def settings(broker: Mosquitto, **preview: object) -> Settings:
    return Settings(
        camera=CameraConfig(source="testcard"),
        mqtt=MqttConfig(url=broker.url, device="test"),
        preview=PreviewConfig.model_validate({"enabled": True, "address": "127.0.0.1:0", **preview}),
    )


def info(subscriber: Subscriber) -> dict[str, Any]:
    said = subscriber.payloads(f"{ROOT}/info")
    return dict(json.loads(said[-1])) if said else {}


@pytest.fixture(autouse=True)
def _a_camera_of_the_tests_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "open_camera", lambda *_: TestCard(Scene(), 15))


def test_info_names_it_and_off_takes_the_picture_away(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    with daemon(settings(mosquitto)):
        wait_until(lambda: "preview" in info(subscriber))
        said = info(subscriber)["preview"]
        assert said.keys() == {"address", "token", "closes_at"}
        assert said["token"] is False
        with Viewer(int(said["address"].rpartition(":")[2])) as viewer:
            while not (found := viewer.next("frame"))[0]["faces"]:
                pass
            assert found[1].startswith(b"\xff\xd8")
            while {"detect", "track", "classify"} - {stage["name"] for stage in viewer.next("status")[0]["stages"]}:
                pass
            subscriber.publish(f"{ROOT}/detection/set", "OFF")
            while (message := viewer.next("status")[0])["camera"]["status"] != "off":
                pass
            assert message["camera"]["reason"] == "detection was turned off"
            assert message["timeline"]
            assert viewer.next("status")[0]["kind"] == "status"  # and no frame comes between
            subscriber.publish(f"{ROOT}/detection/set", "ON")
            assert viewer.next("frame")[1]


def test_info_no_longer_names_one_that_closed_by_itself(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    with daemon(settings(mosquitto, minutes=0.1)):
        wait_until(lambda: "preview" in info(subscriber))
        wait_until(lambda: "preview" not in info(subscriber))


def test_the_network_needs_a_token_which_info_says_without_showing_it(
    mosquitto: Mosquitto, subscriber: Subscriber, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("the-owner-s-own-token")
    with daemon(settings(mosquitto, address="0.0.0.0:0", token_file=file)):
        wait_until(lambda: "preview" in info(subscriber))
        said = info(subscriber)["preview"]
        assert said["token"] is True
        port = int(said["address"].removeprefix("0.0.0.0:"))
        assert "the-owner-s-own-token" not in json.dumps(info(subscriber))
        with Viewer(port) as viewer:
            assert viewer.answer.status == 401
        with Viewer(port, "the-owner-s-own-token") as viewer:
            assert viewer.next("frame")


def test_nothing_listens_unless_it_is_asked_for(
    mosquitto: Mosquitto, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.preview.server.BoundedServer.__init__", lambda *_: pytest.fail("something listens"))
    with daemon(settings(mosquitto, enabled=False)):
        wait_until(lambda: "camera" in info(subscriber))
        assert "preview" not in info(subscriber)


@pytest.mark.parametrize("flag", ["--preview={}", "--preview {}"])
def test_a_port_in_use_ends_the_command_with_a_sentence(emotion_edge: Run, flag: str) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        outcome = emotion_edge("run", "--camera", "testcard", "--broker", "none", *flag.format(address).split())
    assert outcome.code == 2
    assert f"emotion-edge: preview.address: {address}: another program uses port" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_wrong_address_ends_the_command_with_a_sentence(emotion_edge: Run) -> None:
    outcome = emotion_edge("run", "--camera", "testcard", "--broker", "none", "--preview", "kitchen:80")
    assert outcome.code == 2
    assert "command line: preview.address: '…': not an address to listen on; write ADDRESS:PORT" in outcome.err


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        ("--preview", "--preview="),
        ("--preview --print", "--preview= --print"),
        ("--preview 9000 --print", "--preview 9000 --print"),
        ("--preview=9000", "--preview=9000"),
        ("--print --preview", "--print --preview="),
        ("--print", "--print"),
    ],
)
def test_the_address_may_be_left_out(given: str, parsed: str) -> None:
    assert with_value(given.split(), "--preview") == parsed.split()
