"""No command shows the secret of an address, whether it is right, wrong, or in the wrong place."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from rich.console import Console

from edge import doctor
from edge.config import CameraConfig, MqttConfig, Settings, load
from edge.daemon.run import run
from edge.doctor.broker import broker
from edge.errors import CameraError, ConfigError
from edge.system.machine import Machine
from tests.addresses import SECRETS, SHOWN
from tests.broker import wait_until
from tests.in_process import daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.broker import Mosquitto, Subscriber
    from tests.conftest import Outcome

    Run = Callable[..., Outcome]

SECRET = [address for address, shown in SHOWN.items() if shown != address]
VALID = [address for address in SECRET if address.strip() == "mqtt://S3cretT0ken@broker"]
WRONG = [address for address in SECRET if address not in VALID]


def quotes_none(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


def said(outcome: Outcome) -> str:
    # A table breaks lines, and a panel has borders: a secret that is cut in two is still one.
    return "".join(each for each in outcome.out + outcome.err if each not in " \n│")


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--broker", "none", "--camera"],
        ["run", "--camera", "testcard", "--broker"],
        ["run"],
        ["run", "--config"],
        ["run", "--camera", "testcard", "--broker", "none", "--model"],
        ["bench", "--seconds", "0.1", "--json", "-", "--camera"],
        ["bench", "--seconds", "0.1", "--report", "out.html", "--camera"],
        ["bench", "--faces"],
        ["bench", "--seconds"],
        ["bench", "merge"],
        ["watch", "--broker"],
        ["watch", "--broker", "none", "--device"],
        ["watch", "--minutes"],
        ["watch", "--broker", "none", "--record"],
        ["watch", "--plot", "out.png", "--from"],
        ["watch", "--plot"],
        ["config", "check", "--config"],
        ["config", "show"],
        ["doctor", "--jsom"],
        [],
    ],
    ids=" ".join,
)
def test_no_argument_is_repeated(
    emotion_edge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    # A name with a colon in it may well be a file's, and is repeated then.
    of_file = {"--config", "--model", "merge", "--record", "--from", "--plot"}.intersection(arguments[-1:])
    for address in (address for address in WRONG if not (of_file and address == "admin:hush")):
        for values in ([address], [f"--{address}"]) if len(arguments) < 2 else ([address],):
            with interrupted():
                outcome = emotion_edge(*arguments, *values)
            assert outcome.code
            assert "Traceback" not in outcome.err
            assert quotes_none(said(outcome)), f"{address}: {outcome.out}{outcome.err}"


class interrupted:  # noqa: N801  # a context manager reads as a word
    """Ends a command that takes its arguments for right and stays."""

    def __enter__(self) -> None:
        self._timer = threading.Timer(5, os.kill, (os.getpid(), signal.SIGINT))
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


@pytest.mark.parametrize("address", SECRET)
def test_no_setting_is_repeated(
    emotion_edge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    file = tmp_path / "config.toml"
    quoted = json.dumps(address)
    for text in (
        f"[camera]\nsource = {quoted}", f"[mqtt]\nurl = {quoted}", f"[mqtt]\ndevice = {quoted}", f"{quoted} = 1",
        f"[camera]\nfps = {quoted}", f"[{quoted}]\n[{quoted}]", f"[mqtt]\n{quoted} = 1", f"[mqtt]\nurl = {address}",
        f"[emotion]\nmodel = {quoted}", f"[camera]\nrotate = [{quoted}]",
    ):  # fmt: skip
        file.write_text(text)
        for command in ("check", "show"):
            outcome = emotion_edge("config", command, "--config", file)
            assert outcome.code in {0, 2, 4}
            is_file = (address, text) == ("admin:hush", f"[emotion]\nmodel = {quoted}")  # as above
            assert is_file or quotes_none(outcome.out + outcome.err), outcome
    for variable in ("CAMERA__SOURCE", "MQTT__URL", "MQTT__PASSWORD_FILE", "FACES__MIN_HEIGHT"):
        with monkeypatch.context() as patch:
            patch.setenv(f"EMOTION_EDGE_{variable}", address)
            outcome = emotion_edge("config", "show")
            assert quotes_none(outcome.out + outcome.err), outcome


@pytest.mark.parametrize("address", SECRET)
def test_doctor_shows_no_secret(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.doctor.host.CONNECT_S", 0.2)
    findings = [doctor.cameras.camera(Settings(camera=CameraConfig(source=address.strip())), Machine())]
    try:
        settings = load(None, {}, {"mqtt.url": address})
        findings += [broker(settings.mqtt, 0.2), doctor.software.configuration(settings)]
    except ConfigError as error:
        findings.append(doctor.software.configuration(error))
    console = Console(file=io.StringIO(), width=200)
    console.print(doctor.table(findings))
    assert quotes_none(console.file.getvalue())  # type: ignore[attr-defined]
    assert quotes_none(doctor.to_json(findings))


def test_a_defect_that_quotes_an_address_does_not_show_its_secret(
    emotion_edge: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(settings: Settings, *_: object, **__: object) -> None:
        logging.getLogger("edge").warning("about to open %s", settings.camera.source)
        try:
            int(settings.camera.source)
        except ValueError:
            logging.getLogger("edge").exception("no number")
            raise

    monkeypatch.setattr("edge.daemon.run.run", explode)
    for address in SECRET:
        outcome = emotion_edge("run", "--camera", address.strip(), "--broker", "none")
        assert outcome.code == 1
        assert "Please report it" in outcome.err
        if "@" in address or "//" in address:  # else only its own place knows that it is one
            assert quotes_none(outcome.err), outcome.err


@pytest.fixture
def missing_camera(monkeypatch: pytest.MonkeyPatch) -> str:
    """Have no camera open, for a reason that quotes an address; return what may be shown of it."""

    def open_camera(*_: object) -> None:
        message = "cannot open rtsp://admin:hush@cam/S3cret: timed out"
        raise CameraError(message)

    monkeypatch.setattr("edge.daemon.run.open_camera", open_camera)
    return "cannot open rtsp://…@cam/…: timed out"


def test_the_reason_that_a_library_gives_for_a_missing_camera_is_redacted(
    mosquitto: Mosquitto, subscriber: Subscriber, missing_camera: str
) -> None:
    with pytest.raises(CameraError):
        run(Settings(mqtt=MqttConfig(url=mosquitto.url, device="test")), threading.Event())
    wait_until(lambda: subscriber.payloads("emotion-edge/test/camera"))
    published = subscriber.payloads("emotion-edge/test/camera")[-1]
    assert missing_camera in published
    assert quotes_none(published)


def test_the_reason_is_redacted_for_systemd_and_the_broker_while_a_camera_is_waited_for(
    mosquitto: Mosquitto, subscriber: Subscriber, missing_camera: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with daemon(Settings(mqtt=MqttConfig(url=mosquitto.url, device="test")), wait=True):
            heard = ""
            while missing_camera not in heard:
                heard += systemd.recv(4096).decode()
            wait_until(lambda: subscriber.payloads("emotion-edge/test/camera"))
    assert quotes_none(heard)
    assert quotes_none("".join(subscriber.payloads("emotion-edge/test/camera")))


class Stream(BaseHTTPRequestHandler):
    """A network camera that sends a picture over and over, until it is unplugged."""

    unplugged = threading.Event()

    def do_GET(self) -> None:  # the base class's name
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        jpeg = cv2.imencode(".jpg", np.full((240, 320, 3), 100, np.uint8))[1].tobytes()
        head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
        try:
            while not self.unplugged.wait(0.05):
                self.wfile.write(head + jpeg + b"\r\n")
        except OSError:  # the reader left
            pass

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stream() -> Iterator[int]:
    Stream.unplugged.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Stream) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        Stream.unplugged.set()
        server.shutdown()
        thread.join()


def test_nothing_that_is_published_has_a_secret(
    mosquitto: Mosquitto, subscriber: Subscriber, stream: int, caplog: pytest.LogCaptureFixture
) -> None:
    source = f"http://admin:hush@127.0.0.1:{stream}/S3cret/live?token=S3cret#hush"
    settings = Settings(camera=CameraConfig(source=source), mqtt=MqttConfig(url=mosquitto.url, device="test"))
    caplog.set_level(logging.DEBUG)
    stop, errors = threading.Event(), []

    def daemon() -> None:
        try:
            run(settings, stop)
        except Exception as error:  # noqa: BLE001  # looked at below
            errors.append(str(error))

    thread = threading.Thread(target=daemon)
    thread.start()
    try:
        wait_until(
            lambda: all(subscriber.payloads(f"emotion-edge/test/{each}") for each in ("info", "health", "camera")), 30
        )
        assert f"http://…@127.0.0.1:{stream}/…" in subscriber.payloads("emotion-edge/test/info")[-1]
        Stream.unplugged.set()
        wait_until(lambda: "127.0.0.1" in subscriber.payloads("emotion-edge/test/camera")[-1])
    finally:
        stop.set()
        thread.join(10)
    published = [f"{message.topic} {message.payload.decode()}" for message in subscriber.messages]
    assert len(published) > 5
    assert all(map(quotes_none, [*published, *errors, caplog.text]))
