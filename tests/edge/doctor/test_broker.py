"""Each step at which a broker can fail, with a real one, and what doctor says of it."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import HomeAssistantConfig, MqttConfig, OutboxConfig, Settings
from edge.doctor import Finding, to_json
from edge.doctor.broker import announcement
from edge.doctor.broker import broker as check
from edge.mqtt import EmbeddedBroker, MqttClient, Outbox
from tests.broker import HOST, Mosquitto, Subscriber, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMPATIENT_S = 0.4


def look(url: str, **more: Any) -> Finding:
    return check(MqttConfig.model_validate({"url": url, "device": "kitchen", **more}), IMPATIENT_S)


def with_user(broker: Mosquitto, user: str = "kitchen") -> str:
    return f"mqtt://{user}@{HOST}:{broker.port}"


def test_a_broker_that_does_its_part_is_ok_and_no_subscriber_takes_the_message_for_one_of_the_devices(
    mosquitto: Mosquitto, subscriber: Subscriber
) -> None:
    finding = look(mosquitto.url)
    assert finding.status == "ok"
    assert "logged in (MQTT 5), published below emotion-edge/kitchen/ and read back" in finding.found
    wait_until(lambda: subscriber.messages)
    assert {(message.topic, message.retain) for message in subscriber.messages} == {
        ("emotion-edge/kitchen/doctor", False)
    }
    with contextlib.closing(Subscriber(mosquitto.port)) as late:
        late.publish("the-end", b"")
        wait_until(lambda: late.messages)
        assert [message.topic for message in late.messages] == ["the-end"]
    wait_until(lambda: "Received DISCONNECT from edge" in mosquitto.log)


def test_the_topic_of_home_assistant_is_named_for_the_access_list() -> None:
    mqtt = MqttConfig(url="none", device="kitchen")
    finding = announcement(Settings(mqtt=mqtt))
    topic = "homeassistant/device/emotion_edge_kitchen_f365ab3c/config"
    assert (finding.status, finding.found) == ("ok", f"enabled; the device's topic there is {topic}")
    other = announcement(Settings(mqtt=mqtt, homeassistant=HomeAssistantConfig(enabled=False, prefix="ha")))
    assert other.found == f"disabled; the device's topic there is {topic.replace('homeassistant', 'ha', 1)}"


def test_a_daemon_that_runs_stays_connected(mosquitto: Mosquitto) -> None:
    client = MqttClient(MqttConfig(url=mosquitto.url, device="kitchen"), Outbox(OutboxConfig()))
    client.start()
    try:
        wait_until(lambda: client.connected)
        assert look(mosquitto.url).status == look(mosquitto.url).status == "ok"
        assert client.connected
        assert client.reconnects == 0
    finally:
        client.close()


def test_the_password_counts(tmp_path: Path) -> None:
    password = tmp_path / "password"
    with Mosquitto(tmp_path, users={"kitchen": "hush"}) as broker:
        password.write_text("hush\n")
        assert look(with_user(broker), password_file=password).status == "ok"
        password.write_text("wrong")
        for finding in (look(with_user(broker), password_file=password), look(with_user(broker))):
            assert finding.status == "broken"
            assert "it refuses the login: not authorized" in finding.found
            assert "mqtt.password_file" in (finding.fix or "")
        nobody = look(broker.url)
        assert nobody.status == "broken"
        assert "mqtt://user@host" in (nobody.fix or "")
        assert "kitchen" not in to_json([look(with_user(broker, "kitchen-token"))])


@pytest.mark.parametrize(
    ("rules", "status", "said"),
    [
        ("topic readwrite emotion-edge/kitchen/#", "ok", "read back"),
        ("topic read emotion-edge/#", "broken", "publishing below emotion-edge/kitchen/ is denied: not authorized"),
        ("topic readwrite emotion-edge/hall/#", "broken", "publishing below emotion-edge/kitchen/ is denied"),
        ("topic write emotion-edge/#", "warning", "reading below emotion-edge/kitchen/ is denied"),
    ],
)
def test_an_access_list_is_told_with_what_it_denies(tmp_path: Path, rules: str, status: str, said: str) -> None:
    (tmp_path / "rules").write_text(f"{rules}\n")
    with Mosquitto(tmp_path, options=[f"acl_file {tmp_path}/rules"]) as broker:
        finding = look(broker.url)
    assert (finding.status, said in finding.found) == (status, True), finding
    assert status == "ok" or "emotion-edge/kitchen/#" in (finding.fix or "")


def test_a_broker_that_is_stopped_or_away_is_a_warning(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        broker.pause()
        paused = look(broker.url)
        broker.resume()
    closed = look(broker.url)
    assert (paused.status, closed.status) == ("warning", "warning")
    assert "no answer in time" in paused.found
    assert f"nothing listens at port {broker.port}" in closed.found
    assert "mosquitto" in (closed.fix or "")
    elsewhere = look(f"mqtt://127.0.0.2:{broker.port}")
    assert "start the broker at 127.0.0.2" in (elsewhere.fix or "")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "broker.local"])
def test_a_name_that_is_not_found_is_a_warning(host: str) -> None:
    finding = look(f"mqtt://{host}")
    assert finding.status == "warning"
    assert f"the name {host} is not found" in finding.found
    assert "IP address" in (finding.fix or "")


@contextlib.contextmanager
def speaking(greeting: bytes, *, stays: bool) -> Iterator[int]:
    """Listen on a port that says something to everybody, and perhaps closes the connection at the first word."""
    with socket.create_server((HOST, 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError), contextlib.ExitStack() as open_ones:
                while True:
                    connection, _ = server.accept()
                    open_ones.enter_context(connection)
                    connection.sendall(greeting)
                    if not stays:
                        connection.recv(100)
                        connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    ("greeting", "stays", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", True, "speaks no MQTT, it says 'SSH-2.0-OpenSSH_9.2'"),
        (b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", False, "no MQTT, it says 'HTTP/1.1 400 Bad Request'"),
        (b"", False, "it closes the connection without an answer"),
        (b"", True, "no answer in time"),
    ],
)
def test_a_port_that_speaks_something_else(greeting: bytes, said: str, *, stays: bool) -> None:
    with speaking(greeting, stays=stays) as port:
        finding = look(f"mqtt://{HOST}:{port}")
    assert said in finding.found
    assert finding.fix


def test_a_broker_that_speaks_the_older_version_only_is_ok() -> None:
    embedded = EmbeddedBroker(free_port())
    try:
        finding = look(f"mqtt://{HOST}:{embedded.start()}")
    finally:
        embedded.stop()
    assert "logged in (MQTT 3.1.1)" in finding.found


def test_what_needs_no_network() -> None:
    assert look("none").status == "ok"
    assert look("embedded").status == "ok"


@pytest.mark.parametrize("option", ["max_qos 0", "retain_available false"])
def test_a_broker_that_takes_less_is_ok(tmp_path: Path, option: str) -> None:
    with Mosquitto(tmp_path, options=[option]) as broker:
        finding = look(broker.url)
    assert finding.status == "ok", finding


def test_a_refusal_that_has_nothing_to_do_with_the_password_is_not_blamed_on_it(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, options=["clientid_prefixes other-"]) as broker:
        finding = look(broker.url)
    assert finding.status == "broken"
    assert "refuses the login" in finding.found
