"""What devices, and others, publish: a message that cannot be read costs that message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from edge.config import MqttConfig
from edge.errors import ConfigError
from edge.watch.subscriber import Subscriber
from tests.broker import Mosquitto, free_port, wait_until
from tests.edge.mqtt.scripted import ScriptedBroker, packet, publish

if TYPE_CHECKING:
    from pathlib import Path

TOPIC = b"emotion-edge/kitchen/state"

REFUSED = {
    "a topic that is not UTF-8": publish(b"emotion-edge/\xff", None, b"x"),
    "no topic": publish(b"", None, b"x"),
    "a topic longer than the packet": packet(0x30, b"\xff\xffa"),
    "three megabytes": publish(TOPIC, None, b"x" * 3_000_000),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_passed_over(kind: str) -> None:
    with ScriptedBroker(greeting=REFUSED[kind] + publish(TOPIC, None, b"{}")) as broker:
        received: list[bytes] = []

        def is_received() -> bool:
            received.extend(message.payload for message in subscriber.take(0.05))
            return b"{}" in received

        with Subscriber(MqttConfig(url=broker.url), "+") as subscriber:
            wait_until(is_received)
            assert broker.versions == [4]
        assert received == [b"{}"]


@pytest.mark.parametrize(
    ("host", "reason"),
    [("127.0.0.1", "connection refused"), ("no-such-host.invalid", "not known|name resolution")],  # without a network
)
def test_why_the_broker_is_not_reached_is_told(host: str, reason: str) -> None:
    with Subscriber(MqttConfig(url=f"mqtt://{host}:{free_port()}"), "+", silent=True) as subscriber:
        wait_until(lambda: subscriber.problem)
        assert re.search(reason, subscriber.problem or "")


def test_a_refused_login_is_told(tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path, users={"me": "hush"}) as broker,
        Subscriber(MqttConfig(url=broker.url), "+", silent=True) as subscriber,
    ):
        wait_until(lambda: subscriber.problem)
        assert "refuses: not authorized" in (subscriber.problem or "")


def test_a_subscription_that_is_denied_is_told_until_one_is_granted(caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedBroker(granted=b"\x80") as broker, Subscriber(MqttConfig(url=broker.url), "+") as subscriber:
        wait_until(lambda: subscriber.problem)
        denied = f"{broker.url} denies reading emotion-edge/+/#: unspecified error"
        assert (subscriber.problem, caplog.messages) == (denied, [denied])
        broker.granted = b"\x01"
        broker.hang_up()
        wait_until(lambda: subscriber.problem is None)


def test_the_services_own_password_is_told_as_such() -> None:
    config = MqttConfig.model_validate(
        {"url": "mqtt://me@localhost", "password_file": "/run/credentials/emotion-edge.service/mqtt-password"}
    )
    with pytest.raises(ConfigError, match="only the service can read that one: write --user NAME --password-file FILE"):
        Subscriber(config, "+")
