from __future__ import annotations

import contextlib
import io
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from edge.config import MqttConfig
from edge.errors import ConfigError
from edge.events import Box, Face, FaceEvent, FrameSize, State, StateFace
from edge.watch import Board, watch
from tests.broker import Subscriber, wait_until

if TYPE_CHECKING:
    from tests.broker import Mosquitto

NOW = datetime(2026, 11, 22, 3, 14, 15, tzinfo=UTC)
BOX = Box(x=0, y=0, width=100, height=100)


def event(sequence: int, session: str = "a", device: str = "kitchen") -> FaceEvent:
    return FaceEvent(
        device=device,
        session=session,
        type="changed",
        sequence=sequence,
        captured_at=NOW,
        face=Face(id=3, box=BOX, frame=FrameSize(width=640, height=480)),
        emotion="happy",
        confidence=0.9,
        previous="sad",
    )


def hear(board: Board, *events: FaceEvent) -> None:
    for each in events:
        board.hear(f"emotion-edge/{each.device}/event", each.to_json().encode())


def drawn(board: Board) -> str:
    console = Console(width=140)
    with console.capture() as capture:
        console.print(board.table(NOW))
    return capture.get()


def test_who_is_there_and_since_when() -> None:
    board = Board("emotion-edge")
    face = StateFace(id=3, box=BOX, emotion="happy", confidence=0.91, since=NOW - timedelta(seconds=42))
    state = State(
        device="kitchen", session="a", captured_at=NOW, frame=None, emotion="happy", confidence=0.91, faces=(face,)
    )
    board.hear("emotion-edge/kitchen/availability", b"online")
    board.hear("emotion-edge/kitchen/state", state.to_json().encode())
    text = drawn(board)
    for part in ("kitchen", "online", "face 3", "happy", "91%", "42 s"):
        assert part in text


def test_a_gap_counts_as_lost_a_repetition_as_nothing_and_a_new_session_starts_anew() -> None:
    board = Board("emotion-edge")
    hear(board, event(5), event(6), event(6), event(9), event(8), event(0, session="b"), event(1, session="b"))
    device = board.devices["kitchen"]
    assert (device.events, device.lost) == (5, 2)


def test_a_devices_name_is_no_markup() -> None:
    board = Board("emotion-edge")
    board.hear("emotion-edge/[red] [bold]/availability", b"online")
    assert "[red] [bold]" in drawn(board)


def test_what_is_not_in_form_is_counted_and_what_is_of_a_later_version_is_not() -> None:
    board = Board("emotion-edge")
    board.hear("emotion-edge/kitchen/event", b"{}")
    board.hear("emotion-edge/kitchen/state", b"\xff")
    board.hear("emotion-edge/kitchen/unheard-of", b"x")
    board.hear("emotion-edge/kitchen/detection/state", b"ON")
    assert board.devices.keys() == {"kitchen"}
    assert board.strange == 2
    assert "2 messages" in drawn(board)


def test_json_lines_for_pipes(mosquitto: Mosquitto) -> None:
    stop, printed = threading.Event(), io.StringIO()
    config = MqttConfig(url=mosquitto.url, device="x")
    thread = threading.Thread(target=watch, args=(config, "kitchen", stop, printed))
    thread.start()
    wait_until(lambda: "SUBSCRIBE" in mosquitto.log)
    with contextlib.closing(Subscriber(mosquitto.port)) as speaker:
        speaker.publish("emotion-edge/kitchen/event", event(0).to_json())
        speaker.publish("emotion-edge/hall/event", event(0, device="hall").to_json())
        speaker.publish("emotion-edge/kitchen/availability", "online")
        wait_until(lambda: printed.getvalue().count("\n") == 2)
    stop.set()
    thread.join()
    first, second = (json.loads(line) for line in printed.getvalue().splitlines())
    assert (first["topic"], first["payload"]["emotion"]) == ("emotion-edge/kitchen/event", "happy")
    assert second == {"topic": "emotion-edge/kitchen/availability", "payload": "online"}


def test_without_a_broker_there_is_nothing_to_watch() -> None:
    with pytest.raises(ConfigError, match="nothing to watch"):
        watch(MqttConfig(url="none", device="x"), "+", threading.Event())
