"""Whatever is published to the device, with any property of MQTT 5: the connection stays, commands are heard."""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
import pytest

from edge.config import HomeAssistantConfig, MqttConfig, OutboxConfig
from edge.mqtt import MqttClient, Outbox
from edge.mqtt.commands import Commands
from edge.mqtt.discovery import Announcement
from edge.mqtt.homeassistant import HomeAssistant
from edge.mqtt.paho_client import PahoClient
from edge.wire.topics import Topics
from tests.broker import wait_until
from tests.edge.mqtt.scripted import ScriptedBroker, length, packet

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from tests.fuzz.conftest import Fuzz

TOPICS = Topics("emotion-edge", "test")
COMMANDS = [TOPICS.detection_set, TOPICS.request_health]
HEARD = [*COMMANDS, f"{TOPICS.root}/request/reboot", TOPICS.info, "homeassistant/status"]
BATCH = 50

BYTE, TWO, FOUR, VARIABLE, BINARY, STRING, PAIR = range(7)
PROPERTIES = {
    1: BYTE, 2: FOUR, 3: STRING, 8: STRING, 9: BINARY, 11: VARIABLE, 17: FOUR, 18: STRING, 19: TWO, 21: STRING,
    22: BINARY, 23: BYTE, 24: FOUR, 25: BYTE, 26: STRING, 28: STRING, 31: STRING, 33: TWO, 34: TWO, 35: TWO, 36: BYTE,
    37: BYTE, 38: PAIR, 39: FOUR, 40: BYTE, 41: BYTE, 42: BYTE,
}  # fmt: skip
"""All of MQTT 5 (section 2.2.2.2), with their types."""
OF_PUBLISH = [1, 2, 3, 8, 9, 11, 35, 38]

TEXTS = [
    b"", b"a", b"\xef\xbb\xbf", b"a\x00", b"\xed\xa0\x80", b"\xff\xfe", b"\xc3", b"\xf4\x90\x80\x80", b"\x7f",
    b"\xc2\x85", b"\xef\xbf\xbf", "é台😀".encode(), b"a/+/b", b"#", b"$SYS/x", b"/" * 300, b"x" * 300, b"x" * 65_535,
    b"emotion-edge/answer", b"emotion-edge/test/response/health", b"emotion-edge/test/state", b"emotion-edge/x\x01",
    b"emotion-edge/hall/detection/set", b"emotion-edge/" + b"/" * 240, b"homeassistant/device/x/config",
    b"emotion-edge/+",
]  # fmt: skip


def string(content: bytes) -> bytes:
    return struct.pack("!H", len(content)) + content


def value(kind: int, dice: random.Random) -> bytes:
    """Return a value of a property, which may be wrong in itself."""
    text = string(dice.choice(TEXTS))
    return {
        BYTE: bytes([dice.choice([0, 1, 2, 255])]),
        TWO: struct.pack("!H", dice.choice([0, 1, 65_535, dice.randrange(65_536)])),
        FOUR: struct.pack("!I", dice.choice([0, 1, 2**32 - 1, dice.randrange(2**32)])),
        VARIABLE: dice.choice([b"\x00", b"\x01", b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff\xff", b"\x80\x00"]),
        BINARY: string(dice.randbytes(dice.choice([0, 1, 20, 5000]))),
        STRING: text,
        PAIR: text + string(dice.choice(TEXTS)),
    }[kind]


def properties(dice: random.Random) -> bytes:
    """Return some properties: of a PUBLISH, of other packets, of none; once and twice."""
    made = b""
    for _ in range(dice.choice([0, 1, 1, 2, 3, 6])):
        number = dice.choice([*OF_PUBLISH, *OF_PUBLISH, *PROPERTIES, dice.randrange(256)])
        one = length(number) + value(PROPERTIES.get(number, dice.randrange(7)), dice)
        made += one * dice.choice([1, 1, 1, 2])
    return made


def mutated(body: bytes, dice: random.Random) -> bytes:
    """Return a body in which bytes are other ones, more or fewer."""
    changed = bytearray(body)
    for _ in range(dice.choice([0, 0, 1, 1, 3])):
        at = dice.randrange(len(changed) + 1)
        kind = dice.randrange(4)
        if kind == 0 and at < len(changed):
            changed[at] = dice.randrange(256)
        elif kind == 1:
            changed[at:at] = dice.randbytes(dice.choice([1, 2, 5]))
        elif kind == 2:
            del changed[at : at + dice.choice([1, 2, 40])]
        else:
            del changed[at:]
    return bytes(changed)


def any_message(dice: random.Random) -> bytes:
    """Return a PUBLISH that says neither ON nor OFF, whatever of it is changed."""
    topic = string(dice.choice(HEARD).encode() if dice.random() < 0.9 else dice.choice(TEXTS))
    qos = dice.choice([0, 1, 1, 2, 3])
    some = properties(dice)
    lie = dice.choice([0, 0, 0, 0, 1, -1, 200, -len(some)])
    body = topic + (struct.pack("!H", dice.randrange(65_536)) if qos else b"") + length(max(0, len(some) + lie)) + some
    payload = dice.choice(
        [b"", b"on", b"0FF", b"online", b"\xff\x00", b'{"session": "x"}', b"z" * dice.choice([10, 3000])]
    )
    return packet(0x30 | qos << 1 | dice.choice([0, 1, 8]), mutated(body, dice) + payload)


@dataclass
class Expected:
    """What must come of the well-formed commands of a batch."""

    detection: bool | None = None
    answers: list[tuple[str, bytes]] = field(default_factory=list)


def good_command(dice: random.Random, number: int, expected: Expected) -> bytes:
    """Return a command that must be done, with properties that mean nothing here."""
    mid = struct.pack("!H", 1 + number % 65_535)
    harmless = b"\x01\x01" + b"\x02\x00\x00\x00\x3c" + b"\x03" + string(b"text") + b"\x26" + string(b"k") + string(b"v")
    if dice.random() < 0.5:
        expected.detection = dice.random() < 0.5
        body = string(TOPICS.detection_set.encode()) + mid + length(len(harmless)) + harmless
        return packet(0x32, body + (b"ON" if expected.detection else b"OFF"))
    answer, correlation = f"emotion-edge/answers/{number}", struct.pack("!I", number) + dice.randbytes(4)
    expected.answers.append((answer, correlation))
    asked = harmless + b"\x08" + string(answer.encode()) + b"\x09" + string(correlation)
    return packet(0x32, string(TOPICS.request_health.encode()) + mid + length(len(asked)) + asked)


class Device:
    """The client with everything that listens, and a broker that says what it is told."""

    def __init__(self, broker: ScriptedBroker) -> None:
        self.broker, self.patience_s = broker, 8.0
        self.client = MqttClient(MqttConfig(url=broker.url, device="test"), Outbox(OutboxConfig()))
        self.commands = Commands(self.client.topics)
        self.commands.subscribe(self.client)
        self.home = HomeAssistant(HomeAssistantConfig(), self.client, share=lambda: 0.0)
        self.home.announce(Announcement(["happy"], 30, 30))
        self.client.publish_retained(self.client.topics.info, '{"session": "own"}')
        self.client.start()
        wait_until(lambda: self.client.connected)

    def take(self, messages: bytes, end: int) -> bool | None:
        """Send messages, and do what they ask for; return what they say of detection."""
        mark = f"emotion-edge/mark/{end}"
        asked = b"\x08" + string(mark.encode())
        self.broker.send(messages + packet(0x30, string(TOPICS.request_health.encode()) + length(len(asked)) + asked))
        told: list[bool] = []

        def is_answered() -> bool:
            pending = self.commands.take()
            told.extend([] if pending.detection is None else [pending.detection])
            for request in pending.health:
                self.client.publish_once(self.commands.answer(request, "fine"))
            self.home.attend(float("inf"))
            return mark in self.broker.topics()

        wait_until(is_answered, self.patience_s)
        return told[-1] if told else None


@pytest.fixture
def device() -> Iterator[Device]:
    with ScriptedBroker() as broker:
        it = Device(broker)
        yield it
        it.client.close(0.3)


def may_be_answered(topic: str) -> bool:
    """Return whether an answer may go there, as the contract says it."""
    own = {name.removeprefix(f"{TOPICS.root}/") for name in TOPICS.named.values()} - {"response/health"}
    rest = topic.removeprefix("emotion-edge/").partition("/")[2]
    return topic.startswith("emotion-edge/") and topic.isprintable() and not set("+#") & set(topic) and rest not in own


def test_any_message_costs_itself_and_every_command_is_done(
    device: Device, fuzz: Fuzz, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "edge")
    batch, expected = b"", Expected()
    for case in fuzz.cases(3000):
        number = fuzz.case
        batch += good_command(case, number, expected) if case.random() < 0.1 else any_message(case)
        if (number + 1) % BATCH == 0:
            check(device, batch, expected, number)
            batch, expected = b"", Expected()
    check(device, batch, expected, fuzz.case + 1)
    assert len(caplog.records) < 60  # of 3,000
    assert not any("defect" in record.getMessage() for record in caplog.records)


def check(device: Device, batch: bytes, expected: Expected, number: int) -> None:
    before = len(device.broker.published)
    detection = device.take(batch, number)
    assert device.client.reconnects == 0
    assert device.broker.versions == [5]
    assert detection == expected.detection
    published = device.broker.published[before:]
    for answer, correlation in expected.answers:
        (found,) = [one for one in published if one.topic == answer]
        assert found.properties == b"\x09" + string(correlation)
    own = {*TOPICS.named.values(), *(topic for topic in device.broker.topics() if topic.startswith("homeassistant/"))}
    for one in published:
        assert one.topic in own or may_be_answered(one.topic), one.topic


def test_the_fuzz_notices_a_client_that_closes_the_connection(
    device: Device, fuzz: Fuzz, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PahoClient, "_packet_handle", paho.Client._packet_handle)  # noqa: SLF001
    batch = b"".join(any_message(case) for case in fuzz.cases(BATCH))
    device.patience_s = 1.0
    with pytest.raises(AssertionError):
        check(device, batch, Expected(), BATCH)
