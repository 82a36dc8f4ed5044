"""The feed of frames: at most so many a second, and every captured frame is sent or counted."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import FramesConfig, HomeAssistantConfig, MqttConfig, OutboxConfig
from edge.daemon import payloads
from edge.daemon.frame_feed import FrameFeed
from edge.daemon.payloads import Origin
from edge.daemon.printer import NullPrinter
from edge.daemon.publisher import Publisher
from edge.daemon.session import NullSessionRecord
from edge.frame import Frame
from edge.geometry import Rect
from edge.inference.bundle import SHIPPED, ModelBundle
from edge.mqtt import MqttClient, Outbox
from edge.mqtt.broker_link import MqttLink, NullBrokerLink
from edge.mqtt.commands import Commands
from edge.mqtt.homeassistant import HomeAssistant
from edge.pipeline import PresentFace, Snapshot
from edge.wire.frame_message import FrameMessage
from tests.payloads import NOW

GRAY = np.zeros((48, 64), np.uint8)
NOBODY = Snapshot(NOW, (64, 48), ())


class Feed:
    """A feed, and what it sent: each frame's number and how many were skipped before it."""

    def __init__(self, rate_hz: float = 15.0, *, enabled: bool = True) -> None:
        self.connected = True
        self.sent: list[tuple[int, int]] = []
        self._number = 0
        self.feed = FrameFeed(FramesConfig(enabled=enabled, rate_hz=rate_hz), self._publish)

    def add(self, number: int, time_s: float) -> None:
        self._number = number
        self.feed.add(Frame(GRAY, NOW, time_s, number), lambda: NOBODY)

    def _publish(self, _: Snapshot, skipped: int) -> bool:
        if self.connected:
            self.sent.append((self._number, skipped))
        return self.connected


def is_complete(sent: list[tuple[int, int]]) -> bool:
    return all(before + 1 + skipped == number for (before, _), (number, skipped) in pairwise(sent))


def test_a_higher_rate_holds_at_once() -> None:
    feed = Feed(0.01)
    feed.add(0, 0.0)
    feed.feed.configure(FramesConfig(enabled=True, rate_hz=15))
    feed.add(1, 0.1)
    assert [number for number, _ in feed.sent] == [0, 1]


def test_nothing_is_sent_unless_it_is_asked_for() -> None:
    feed = Feed(enabled=False)
    feed.add(0, 0.0)
    assert feed.sent == []


@pytest.mark.parametrize(("fps", "rate_hz", "most"), [(30, 10, 101), (30, 15, 151), (15, 15, 150), (10, 60, 100)])
def test_the_rate_is_kept_and_what_is_skipped_is_counted(fps: int, rate_hz: float, most: int) -> None:
    feed = Feed(rate_hz)
    random = np.random.default_rng(1)
    for number in range(10 * fps):
        feed.add(number, (number + random.uniform(-0.2, 0.2)) / fps)  # cameras tremble
    assert 0.97 * most <= len(feed.sent) <= most
    assert is_complete(feed.sent)


def test_frames_that_were_dropped_before_are_counted() -> None:
    feed = Feed()
    for number in (0, 1, 5, 6, 9):
        feed.add(number, number / 15)
    assert feed.sent == [(0, 0), (1, 0), (5, 3), (6, 0), (9, 2)]


def test_without_a_broker_no_message_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: object) -> str:
        pytest.fail("a message was built")

    monkeypatch.setattr(payloads, "frame", build)
    outbox = Outbox(OutboxConfig())
    client = MqttClient(MqttConfig(url="mqtt://127.0.0.1", device="test"), outbox)  # which is not started
    home = HomeAssistant(HomeAssistantConfig(), client)
    for link in (MqttLink(client, outbox, Commands(client.topics), home), NullBrokerLink(client.topics)):
        origin = Origin("test", "01JD", synthetic=True)
        publisher = Publisher(origin, ModelBundle.load(SHIPPED), link, NullPrinter(), NullSessionRecord())
        assert not publisher.publish_frame(NOBODY, 0)


def test_frames_without_a_broker_are_counted_and_not_kept() -> None:
    feed = Feed()
    for number in range(10):
        feed.connected = not 3 <= number < 8
        feed.add(number, number / 15)
    assert [number for number, _ in feed.sent] == [0, 1, 2, 8, 9]
    assert feed.sent[3] == (8, 5)


def test_a_camera_that_was_opened_again_counts_from_0() -> None:
    feed = Feed()
    feed.add(500, 0.0)
    feed.add(0, 9.0)
    feed.add(2, 9.2)
    assert feed.sent == [(500, 0), (0, 0), (2, 1)]


def test_other_settings_begin_anew() -> None:
    feed = Feed(enabled=False)
    feed.add(0, 0.0)
    feed.feed.configure(FramesConfig(enabled=True))
    feed.add(7, 0.5)
    assert feed.sent == [(7, 0)]


def test_a_message_has_the_faces_that_are_in_the_frame() -> None:
    there = PresentFace(3, Rect(10.4, 20.6, 30, 31), "happy", 0.91234, NOW, {"happy": 0.91234, "sad": 0.08766})
    lost = PresentFace(2, Rect(0, 0, 9, 9), "sad", 0.9, NOW, {"happy": 0.1, "sad": 0.9}, visible=False)
    at = NOW + timedelta(microseconds=123456)
    message = payloads.frame(Snapshot(at, (640, 480), (there, lost)), Origin("kitchen", "a"), 7, 2)
    assert json.loads(message) == {
        "schema": 1,
        "device": "kitchen",
        "session": "a",
        "sequence": 7,
        "skipped": 2,
        "captured_at": "2026-11-22T03:14:15.123456Z",
        "frame": {"width": 640, "height": 480},
        "faces": [
            {
                "id": 3,
                "box": {"x": 10, "y": 21, "width": 30, "height": 31},
                "emotion": "happy",
                "confidence": 0.9123,
                "probabilities": {"happy": 0.9123, "sad": 0.0877},
            }
        ],
    }


@settings(max_examples=30)
@given(
    device=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9),
    synthetic=st.booleans(),
    sides=st.tuples(st.floats(-700, 700), st.floats(-700, 700), st.floats(0, 700), st.floats(0, 700)),
    faces=st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=4),
    at=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])),
)
def test_a_message_is_the_same_text_as_that_of_its_type(
    *,
    device: str,
    synthetic: bool,
    sides: tuple[float, float, float, float],
    faces: list[tuple[float, bool]],
    at: datetime,
) -> None:
    there = tuple(
        PresentFace(number, Rect(*sides), "happy", p, NOW, {"happy": p, "sad": 1 - p}, visible)
        for number, (p, visible) in enumerate(faces, 1)
    )
    text = payloads.frame(Snapshot(at, (640, 480), there), Origin(device, "a", synthetic), 7, 2)
    assert text == FrameMessage.model_validate_json(text).to_json()


def test_a_probability_that_is_none_is_a_defect() -> None:
    there = PresentFace(1, Rect(0, 0, 9, 9), "sad", math.nan, NOW)
    with pytest.raises(ValueError, match="not JSON compliant"):
        payloads.frame(Snapshot(NOW, (640, 480), (there,)), Origin("kitchen", "a"), 0, 0)
