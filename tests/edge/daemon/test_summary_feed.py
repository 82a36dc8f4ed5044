"""The daemon's summary: on the broker while it runs and after it stopped, over a restart, and gone where it is off."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from edge.config import CameraConfig, MqttConfig, Settings, SummaryConfig
from edge.daemon.summary_feed import SummaryFeed
from edge.summary import Summary, SummaryFiles
from edge.wire.summary_message import SummaryMessage
from tests.broker import Subscriber, wait_until
from tests.edge.summary.room import STAMP, Room
from tests.in_process import daemon

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.broker import Mosquitto

SUMMARY = "emotion-edge/test/summary"


def settings(mosquitto: Mosquitto, **sections: Any) -> Settings:
    return Settings(
        camera=CameraConfig(source="testcard"), mqtt=MqttConfig(url=mosquitto.url, device="test"), **sections
    )


def visits(payload: str) -> int:
    """Return the visits of today and yesterday: midnight may come between."""
    periods = SummaryMessage.model_validate_json(payload).utc
    return periods.day.visits + (periods.last_day.visits if periods.last_day else 0)


def is_more(count: Callable[[], int], than: int) -> bool:
    return count() > than


def test_a_restart_goes_on_counting(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    def counted() -> int:
        told = subscriber.payloads(SUMMARY)
        return visits(told[-1]) if told else 0

    def appeared() -> int:
        return sum('"appeared"' in text for text in subscriber.payloads("emotion-edge/test/event"))

    for run in (1, 2):
        with daemon(settings(mosquitto)):
            wait_until(partial(is_more, appeared, run - 1))
        wait_until(partial(is_more, counted, run - 1))
        assert counted() == run
        assert json.loads(subscriber.payloads(SUMMARY)[-1])["synthetic"] is True
    with closing(Subscriber(mosquitto.port)) as late:
        wait_until(lambda: late.payloads(SUMMARY))
        assert visits(late.payloads(SUMMARY)[0]) == 2


def test_turned_off_the_broker_keeps_none(mosquitto: Mosquitto, subscriber: Subscriber) -> None:
    with daemon(settings(mosquitto)):
        wait_until(lambda: subscriber.payloads(SUMMARY))
    with daemon(settings(mosquitto, summary=SummaryConfig(enabled=False))):
        wait_until(lambda: subscriber.payloads(SUMMARY)[-1] == "")
    assert subscriber.payloads(SUMMARY)[-1] == ""
    with closing(Subscriber(mosquitto.port)) as late:
        wait_until(lambda: late.payloads("emotion-edge/test/availability"))
        assert late.payloads(SUMMARY) == []


class Published(list[SummaryMessage]):
    """Stands in for the publisher."""

    def publish_summary(self, summary: Summary) -> SummaryMessage:
        self.append(summary.message(STAMP, datetime.now(UTC)))
        return self[-1]

    def clear_summary(self) -> None:
        self.clear()


def test_with_a_clock_that_is_behind_nothing_is_published_or_kept(tmp_path: Path) -> None:
    files, published = SummaryFiles(tmp_path / "state", tmp_path / "run"), Published()
    now = datetime.now(UTC)
    right = now.replace(hour=12) + timedelta(days=80)
    room = Room(files, right)
    room.face(1, "happy")
    room.watch(1)
    room.summary.save(room.message, to_disk=True)
    before = files.load()
    feed = SummaryFeed(SummaryConfig(), Summary(files, now), cast("Any", published))
    feed.attend(0)
    feed.finish()
    assert not published
    assert files.load() == before
    SummaryFeed(SummaryConfig(), Summary(files, right), cast("Any", published)).finish()
    assert published[0].utc.day.faces == 1


def test_who_leaves_while_it_is_off_is_not_there_afterwards() -> None:
    room = Room()
    room.face(1, "happy")
    room.watch(60)
    assert room.day.present_minutes == 1
    off = SummaryFeed(SummaryConfig(enabled=False), room.summary, cast("Any", Published()))
    off.note([room.transition(1, None)])
    room.watch(60)
    assert (room.day.observed_minutes, room.day.present_minutes) == (2, 1)
