"""When the device is announced to Home Assistant, announced again, and taken back."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import HomeAssistantConfig
from edge.daemon.loop import STATE_EVERY_S
from edge.mqtt.discovery import Announcement
from edge.mqtt.homeassistant import MOST_WAIT_S, HomeAssistant
from tests.broker import Subscriber, wait_until
from tests.edge.mqtt.announced import CONFIG, LABELS
from tests.edge.mqtt.device import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.mqtt import MqttClient
    from tests.broker import Mosquitto


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def home(mosquitto: Mosquitto, publish_to: Callable[..., MqttClient]) -> Callable[..., HomeAssistant]:
    lives: list[MqttClient] = []

    def make(**options: Any) -> HomeAssistant:
        for earlier in lives:  # a device has one life at a time
            earlier.close()
        client = publish_to(mosquitto.url)
        lives.append(client)
        made = HomeAssistant(HomeAssistantConfig(enabled=options.pop("enabled", True)), client, **options)
        made.announce(Announcement(LABELS, STATE_EVERY_S, 30))
        client.start()
        wait_until(lambda: client.connected)
        return made

    return make


def test_home_assistants_birth_is_answered_once_after_a_short_wait(
    home: Callable[..., HomeAssistant], subscriber: Subscriber
) -> None:
    clock = Clock()
    device = home(share=lambda: 0.5, clock=clock)
    wait_until(lambda: len(subscriber.payloads(CONFIG)) == 1)
    for word in ("offline", "hello", "online"):
        subscriber.publish("homeassistant/status", word)
    wait_until(lambda: device._due_s is not None)  # noqa: SLF001  # nothing else shows that it was heard
    clock.now_s = MOST_WAIT_S / 2 - 0.01
    device.attend(clock.now_s)
    time.sleep(0.2)
    assert len(subscriber.payloads(CONFIG)) == 1
    clock.now_s += 0.01
    for _ in range(3):
        device.attend(clock.now_s)
    wait_until(lambda: len(subscriber.payloads(CONFIG)) == 2)
    time.sleep(0.2)
    assert subscriber.payloads(CONFIG) == [subscriber.payloads(CONFIG)[0]] * 2
    assert subscriber.payloads(f"{ROOT}/availability") == ["online", "online"]


def test_a_broker_that_forgot_everything_learns_of_the_device_again(
    home: Callable[..., HomeAssistant], mosquitto: Mosquitto
) -> None:
    home()
    mosquitto.restart()
    with contextlib.closing(Subscriber(mosquitto.port)) as late:
        wait_until(lambda: late.payloads(CONFIG))


def test_a_device_that_is_no_longer_announced_goes(
    home: Callable[..., HomeAssistant], mosquitto: Mosquitto, subscriber: Subscriber
) -> None:
    home()
    wait_until(lambda: subscriber.payloads(CONFIG))
    silent = home(enabled=False)

    def attended() -> list[str]:
        silent.attend(time.monotonic())
        return subscriber.payloads(CONFIG)

    wait_until(lambda: attended()[-1] == "")
    for _ in range(20):
        attended()
        time.sleep(0.01)
    assert len(subscriber.payloads(CONFIG)) == 2  # there, and gone: said once
    with contextlib.closing(Subscriber(mosquitto.port)) as late:
        wait_until(lambda: late.payloads(f"{ROOT}/availability"))
        assert late.payloads(CONFIG) == []


def test_where_nothing_was_announced_nothing_is_taken_back(
    home: Callable[..., HomeAssistant], subscriber: Subscriber
) -> None:
    silent = home(enabled=False)
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability"))
    for _ in range(20):
        silent.attend(time.monotonic())
        time.sleep(0.01)
    assert subscriber.payloads(CONFIG) == []


def test_who_announces_it_again_and_again_fills_no_log(
    home: Callable[..., HomeAssistant], subscriber: Subscriber, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "edge.mqtt.homeassistant")
    silent = home(enabled=False)
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability"))  # sent after what it subscribes to

    def taken_back() -> int:
        silent.attend(time.monotonic())
        return subscriber.payloads(CONFIG).count("")

    for number in range(1, 6):
        subscriber.publish(CONFIG, "{}")
        wait_until(lambda: taken_back() == number)  # noqa: B023  # called at once
    assert [record.getMessage() for record in caplog.records] == [
        "Home Assistant's announcement of this device is removed, as homeassistant.enabled is false"
    ]
