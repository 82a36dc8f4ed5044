from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.config import HomeAssistantConfig, MqttConfig, Settings
from edge.errors import BrokerError
from edge.mqtt.forget import Forgotten, _Session, forget, retained_topics
from tests.broker import Mosquitto, Subscriber, free_port, wait_until
from tests.edge.mqtt.device import AVAILABILITY, STATE
from tests.edge.mqtt.scripted import CLOSE, ScriptedBroker
from tests.in_process import daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Outcome

SHIPPED_ACL = Path(__file__).parents[3] / "examples" / "mosquitto" / "emotion-edge.acl"
HOME = "homeassistant"
"""A user of that access list, who sees the topics of every device, and the first part of Home Assistant's topics."""


def settings(url: str, device: str = "kitchen", **more: object) -> Settings:
    mqtt = MqttConfig.model_validate({"url": url, "device": device, **more})
    return Settings.model_validate({"camera": {"source": "testcard"}, "mqtt": mqtt})


def kept(port: int, user: str | None = None, marker: str = "marker") -> set[str]:
    """Return what somebody who subscribes now is sent."""
    subscriber = Subscriber(port, user=user, password=user)
    subscriber.publish(marker, "end")
    wait_until(lambda: subscriber.payloads(marker))
    subscriber.close()
    return {message.topic for message in subscriber.messages if message.retain}


def keep(publisher: Subscriber, topic: str) -> None:
    """Have the broker keep a message."""
    publisher._client.publish(topic, "{}", qos=1, retain=True).wait_for_publish(5)  # noqa: SLF001


def test_it_removes_all_that_a_daemon_left_and_nothing_of_another_device(mosquitto: Mosquitto) -> None:
    mine, others = settings(mosquitto.url), settings(mosquitto.url, "hall")
    with daemon(mine), daemon(others):
        wait_until(lambda: set(retained_topics(mine)) | set(retained_topics(others)) <= kept(mosquitto.port))
    assert forget(mine) == Forgotten([str(topic) for topic in retained_topics(mine)], [])
    assert kept(mosquitto.port) == set(retained_topics(others))
    assert forget(mine) == Forgotten([], [])


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
    def empty_without_broker(session: _Session, topics: list[str]) -> None:
        mosquitto.kill()
        wait_until(lambda: not session._client.is_connected())  # noqa: SLF001
        empty(session, topics)

    empty = _Session.empty
    monkeypatch.setattr(_Session, "empty", empty_without_broker)
    publisher = Subscriber(mosquitto.port)
    keep(publisher, "emotion-edge/kitchen/info")
    publisher.close()
    with pytest.raises(
        BrokerError, match=r"closed the connection; if it runs, allow this user to write to emotion-edge"
    ):
        forget(settings(mosquitto.url))


def test_a_daemon_that_runs_is_left_as_it_is(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.mqtt.forget._ANSWER_S", 30)  # its next frame may be late on a busy machine
    mine = settings(mosquitto.url)
    with daemon(mine):
        wait_until(lambda: set(retained_topics(mine)) <= kept(mosquitto.port))
        with pytest.raises(BrokerError, match=r"^kitchen still runs, and would publish all again: stop it first$"):
            forget(mine)
        assert set(retained_topics(mine)) <= kept(mosquitto.port)


def test_a_dead_device_that_left_online_is_removed(mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where device and broker lost their power together."""
    monkeypatch.setattr("edge.mqtt.forget._ANSWER_S", 0.2)
    with contextlib.closing(Subscriber(mosquitto.port)) as publisher:
        publisher._client.publish(AVAILABILITY, "online", qos=1, retain=True).wait_for_publish(5)  # noqa: SLF001
    assert forget(settings(mosquitto.url, "test")) == Forgotten([AVAILABILITY], [])


def test_a_broker_that_closes_the_connection_for_a_topic_has_it_named_at_once() -> None:
    with ScriptedBroker(answer=lambda sent: CLOSE if sent.topic == STATE else None) as broker:
        began_s = time.monotonic()
        with pytest.raises(
            BrokerError, match=f"closed the connection; if it runs, allow this user to write to {STATE}$"
        ):
            forget(settings(broker.url, "test"))
        broker.connack_311 = b""
        with pytest.raises(BrokerError, match=r"closed the connection; correct the user"):
            forget(settings(broker.url, "test"))
        assert time.monotonic() - began_s < 4


def test_a_wrong_password_is_named(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong")
    with (
        Mosquitto(tmp_path, users={"me": "right"}) as broker,
        pytest.raises(BrokerError, match=r"not authorized; correct the user"),
    ):
        forget(settings(f"mqtt://me@127.0.0.1:{broker.port}", password_file=tmp_path / "password"))


def test_the_command_logs_in_with_a_user_and_a_password_that_are_named(
    emotion_edge: Callable[..., Outcome], tmp_path: Path
) -> None:
    file, config = tmp_path / "password", tmp_path / "config.toml"
    file.write_text("right\n")
    config.write_text("[mqtt]\nurl = 'mqtt://elsewhere'\n")
    with Mosquitto(tmp_path, users={"me": "right"}) as broker:
        publisher = Subscriber(broker.port, user="me", password="right")  # noqa: S106  # it guards nothing
        keep(publisher, "emotion-edge/hall/info")
        publisher.close()
        who = ("--user", "me", "--password-file", file)
        done = emotion_edge("forget", "--config", config, "--broker", broker.url, "--device", "hall", *who)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("hall: removed from ")
    assert "emotion-edge/hall/info" in done.out


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


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Start a broker with the access list that the documents recommend, where it is not changed."""
    with contextlib.ExitStack() as stack:

        def start(old: str = "", new: str = "") -> Mosquitto:
            (tmp_path / "acl").write_text(SHIPPED_ACL.read_text("utf-8").replace(old, new), encoding="utf-8")
            (tmp_path / "acl").chmod(0o600)
            (tmp_path / "password").write_text("kitchen")
            users = {name: name for name in ("kitchen", HOME)}
            return stack.enter_context(Mosquitto(tmp_path, users=users, options=[f"acl_file {tmp_path}/acl"]))

        yield start


def secured_settings(broker: Mosquitto, folder: Path, device: str = "kitchen", *, home: bool = True) -> Settings:
    made = settings(f"mqtt://kitchen@127.0.0.1:{broker.port}", device, password_file=folder / "password")
    return made.model_copy(update={"homeassistant": HomeAssistantConfig(enabled=home)})


def seen_by_home_assistant(broker: Mosquitto) -> set[str]:
    return kept(broker.port, HOME, f"{HOME}/marker")


def test_with_the_shipped_access_list_nothing_is_left(secured: Callable[..., Mosquitto], tmp_path: Path) -> None:
    broker = secured()
    mine = secured_settings(broker, tmp_path)
    topics = [str(topic) for topic in retained_topics(mine)]
    with daemon(mine):
        wait_until(lambda: set(topics) <= seen_by_home_assistant(broker))
    assert forget(mine) == Forgotten(topics, [])
    assert seen_by_home_assistant(broker) == set()


def test_what_may_be_written_but_not_read_is_removed_and_said(
    secured: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    broker = secured("readwrite homeassistant/device", "write homeassistant/device")
    mine = secured_settings(broker, tmp_path)
    *own, config = [str(topic) for topic in retained_topics(mine)]
    with daemon(mine):
        wait_until(lambda: {*own, config} <= seen_by_home_assistant(broker))
    assert forget(mine) == Forgotten(own, [config])
    assert seen_by_home_assistant(broker) == set()


def test_a_user_who_sees_nothing_of_the_device_is_told(secured: Callable[..., Mosquitto], tmp_path: Path) -> None:
    """Of another device the broker shows nothing but Home Assistant's announcement."""
    mine = secured_settings(secured(), tmp_path, "hall")
    with pytest.raises(BrokerError, match=r"shows this user nothing of emotion-edge/hall/…; name a user who may"):
        forget(mine)


def test_with_the_shipped_access_list_home_assistants_device_goes_with_a_restart(
    secured: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    broker = secured()
    mine = secured_settings(broker, tmp_path)
    config = retained_topics(mine)[-1]
    with daemon(mine):
        wait_until(lambda: config in seen_by_home_assistant(broker))
    assert config in seen_by_home_assistant(broker)
    with daemon(secured_settings(broker, tmp_path, home=False)):
        wait_until(lambda: config not in seen_by_home_assistant(broker))
