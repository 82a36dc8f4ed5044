from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.config import MqttConfig, Settings
from edge.errors import BrokerError
from edge.mqtt.forget import _Session, forget, retained_topics
from tests.broker import Mosquitto, Subscriber, free_port, wait_until
from tests.in_process import daemon

if TYPE_CHECKING:
    from pathlib import Path


def settings(url: str, device: str = "kitchen", **more: object) -> Settings:
    mqtt = MqttConfig.model_validate({"url": url, "device": device, **more})
    return Settings.model_validate({"camera": {"source": "testcard"}, "mqtt": mqtt})


def kept(port: int) -> set[str]:
    """Return what somebody who subscribes now is sent."""
    subscriber = Subscriber(port)
    subscriber.publish("marker", "end")
    wait_until(lambda: subscriber.payloads("marker"))
    subscriber.close()
    return {message.topic for message in subscriber.messages if message.retain}


def keep(publisher: Subscriber, topic: str) -> None:
    """Have the broker keep a message."""
    publisher._client.publish(topic, "{}", qos=1, retain=True).wait_for_publish(5)  # noqa: SLF001


def test_it_removes_all_that_a_daemon_left_and_nothing_of_another_device(mosquitto: Mosquitto) -> None:
    mine, others = settings(mosquitto.url), settings(mosquitto.url, "hall")
    with daemon(mine), daemon(others):
        wait_until(lambda: set(retained_topics(mine)) | set(retained_topics(others)) <= kept(mosquitto.port))
    assert set(forget(mine)) == set(retained_topics(mine))
    assert kept(mosquitto.port) == set(retained_topics(others))
    assert forget(mine) == []


def test_of_a_broker_that_is_away_it_says_where_it_was_looked_for_and_what_to_do() -> None:
    port = free_port()
    expected = rf"cannot reach mqtt://127.0.0.1:{port}: connection refused; start the broker, or correct its address"
    with pytest.raises(BrokerError, match=expected):
        forget(settings(f"mqtt://127.0.0.1:{port}"))


def test_of_a_broker_that_hangs_it_says_what_to_do(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.mqtt.forget._WAIT_S", 0.1)
    mosquitto.pause()
    with pytest.raises(BrokerError, match=r"does not answer; start the broker"):
        forget(settings(mosquitto.url))


def test_of_a_broker_that_goes_meanwhile_it_says_what_to_do(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clear_without_broker(session: _Session, topics: list[str]) -> None:
        mosquitto.kill()
        wait_until(lambda: not session._client.is_connected())  # noqa: SLF001
        clear(session, topics)

    monkeypatch.setattr("edge.mqtt.forget._WAIT_S", 1.0)
    clear = _Session.clear
    monkeypatch.setattr(_Session, "clear", clear_without_broker)
    publisher = Subscriber(mosquitto.port)
    keep(publisher, "emotion-edge/kitchen/info")
    publisher.close()
    with pytest.raises(BrokerError, match=r"does not answer; start the broker"):
        forget(settings(mosquitto.url))


def test_a_wrong_password_is_named(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong")
    with (
        Mosquitto(tmp_path, users={"me": "right"}) as broker,
        pytest.raises(BrokerError, match=r"not authorized; correct the user"),
    ):
        forget(settings(f"mqtt://me@127.0.0.1:{broker.port}", password_file=tmp_path / "password"))


def test_a_topic_that_the_broker_keeps_all_the_same_is_named(tmp_path: Path) -> None:
    access = tmp_path / "access"
    access.write_text("topic readwrite #\n")
    with Mosquitto(tmp_path, options=[f"acl_file {access}"]) as broker:
        publisher = Subscriber(broker.port)
        keep(publisher, "emotion-edge/kitchen/info")
        publisher.close()
        access.write_text("topic read #\n")
        broker.reload()
        with pytest.raises(BrokerError, match=r"keeps emotion-edge/kitchen/info: allow this user to write there"):
            forget(settings(broker.url))
