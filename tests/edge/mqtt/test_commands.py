from __future__ import annotations

import logging
import random

import pytest

from edge.mqtt import Topics
from edge.mqtt.commands import Commands, PendingCommands
from edge.mqtt.message import Incoming, Outgoing
from tests.edge.mqtt.device import SET

TOPICS = Topics("emotion-edge", "test")
HEALTH = "emotion-edge/test/request/health"


def message(topic: str, payload: bytes = b"", *, retained: bool = False, response: str | None = None) -> Incoming:
    return Incoming(topic, payload, retained=retained, response_topic=response)


@pytest.fixture
def commands() -> Commands:
    return Commands(TOPICS)


def test_on_and_off_are_obeyed_and_the_newest_counts(commands: Commands) -> None:
    commands.handle(message(SET, b"OFF"))
    assert commands.take() == PendingCommands(detection=False)
    assert commands.take() == PendingCommands()
    for payload in (b"OFF", b"ON"):
        commands.handle(message(SET, payload))
    assert commands.take() == PendingCommands(detection=True)
    assert commands.ignored == 0


@pytest.mark.parametrize(
    ("ignored", "why"),
    [
        (message(SET, b"OFF", retained=True), "retained"),
        (message(SET, b"off"), "neither ON nor OFF"),
        (message(SET, b" OFF"), "neither ON nor OFF"),
        (message(SET, b"OFF\n"), "neither ON nor OFF"),
        (message(SET, b""), "neither ON nor OFF"),
        (message(SET, b"\xff\xfe\x00"), "neither ON nor OFF"),
        (message(SET, b"OFF" * 400_000), "neither ON nor OFF"),
        (message(f"{SET}/", b"OFF"), "no such request"),
        (message("emotion-edge/test/request/reboot"), "no such request"),
        (message(f"{HEALTH}/now"), "no such request"),
        (message(HEALTH, retained=True), "retained"),
        (message(HEALTH, b"x" * 257), "longer than 256 bytes"),
        (message(HEALTH, b"\xc3\x28"), "no text"),
        (message(HEALTH, response="emotion-edge/hall/detection/set"), "response topic"),
        (message(HEALTH, response="a/+/b"), "response topic"),
        (message(HEALTH, response="$SYS/x"), "response topic"),
        (message(HEALTH, response=""), "response topic"),
        (message(HEALTH, response="x" * 257), "response topic"),
        (message(HEALTH, response="emotion-edge/x/" + "x" * 250), "response topic"),
        (message(HEALTH, response="requester/42"), "response topic"),
        (message(HEALTH, response="homeassistant/device/x/config"), "response topic"),
        (message(HEALTH, response="emotion-edge"), "response topic"),
        (message(HEALTH, response="emotion-edgy/42"), "response topic"),
        (message(HEALTH, response="emotion-edge/test/state"), "response topic"),
        (message(HEALTH, response="emotion-edge/hall/state/x"), "response topic"),
        (message(HEALTH, response="emotion-edge/hall/response/health"), "response topic"),
        (message(HEALTH, response="emotion-edge/hall/request/health"), "response topic"),
        (message(HEALTH, response="emotion-edge/site2/hall/health"), "response topic"),
        (message(HEALTH, response="emotion-edge/floors/2/hall/detection/set"), "response topic"),
        (message(HEALTH, response="emotion-edge/test/response/hall/response/health"), "response topic"),
        (message(HEALTH, response="emotion-edge/x\x01"), "response topic"),
        (message(HEALTH, response="emotion-edge/x\ufffe"), "response topic"),
        (message(HEALTH, response="emotion-edge" + "/" * 17), "response topic"),
    ],
)
def test_what_is_not_exactly_right_is_counted_said_once_and_changes_nothing(
    commands: Commands, caplog: pytest.LogCaptureFixture, ignored: Incoming, why: str
) -> None:
    for _ in range(3):
        commands.handle(ignored)
    assert commands.take() == PendingCommands()
    assert commands.ignored == 3
    (record,) = caplog.records
    assert why in record.getMessage()
    assert len(record.getMessage()) < 300  # whatever was sent


def test_ten_thousand_random_payloads_change_nothing(commands: Commands, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    dice = random.Random(3)  # noqa: S311  # no secret
    large = dice.randbytes(1_000_000)
    heard = 0
    for _ in range(10_000):
        size = dice.choice((0, 1, 2, 3, 4, 20, 300, dice.randrange(len(large)) if dice.random() < 0.01 else 5))
        start = dice.randrange(len(large) - size)
        payload = large[start : start + size]
        if payload not in (b"ON", b"OFF"):
            commands.handle(message(SET, payload, retained=dice.random() < 0.1))
            heard += 1
    assert heard > 9_900
    assert commands.take() == PendingCommands()
    assert commands.ignored == heard


def test_a_request_is_answered_where_it_asks_for_it(commands: Commands) -> None:
    plain, with_payload = message(HEALTH), message(HEALTH, b"PRESS")
    own = Incoming(HEALTH, b"", retained=False, response_topic="emotion-edge/requester/42", correlation=b"\x00\xff")
    for request in (plain, with_payload, own):
        commands.handle(request)
    assert commands.take() == PendingCommands(health=(plain, with_payload, own))
    assert commands.answer(plain, "{}") == Outgoing("emotion-edge/test/response/health", "{}")
    assert commands.answer(own, "{}") == Outgoing(
        "emotion-edge/requester/42", "{}", correlation=b"\x00\xff", reply=True
    )


@pytest.mark.parametrize(
    "topic",
    [
        "home/faces/answers/42",
        "home/faces/hall/response/42",
        "home/faces/test/response/health",
        "home/faces/my/own/health-answers",
        "home/faces/answers/of/state/42",
        "emotion-edge/42",
        "emotion-edge/health",
    ],
)
def test_an_answer_goes_below_the_base_topic_or_the_usual_one(topic: str) -> None:
    topics = Topics("home/faces", "test")
    commands = Commands(topics)
    request = Incoming(topics.request_health, b"", retained=False, response_topic=topic)
    commands.handle(request)
    assert commands.take().health == (request,)


@pytest.mark.parametrize("topic", ["home/faces/health", "home/faces/hall/floor/health"])
def test_no_answer_passes_for_a_device_of_another_base(topic: str) -> None:
    """As that of one named faces below home, or of one named floor below home/faces/hall."""
    topics = Topics("home/faces", "test")
    commands = Commands(topics)
    commands.handle(Incoming(topics.request_health, b"", retained=False, response_topic=topic))
    assert (commands.take(), commands.ignored) == (PendingCommands(), 1)


def test_a_flood_of_requests_is_cut_off_and_loses_no_command_for_privacy(commands: Commands) -> None:
    for _ in range(1000):
        commands.handle(message(HEALTH))
    commands.handle(message(SET, b"OFF"))
    pending = commands.take()
    assert pending.detection is False
    assert len(pending.health) + commands.ignored == 1000
    assert len(pending.health) < 50
