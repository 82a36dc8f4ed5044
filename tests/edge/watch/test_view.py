from __future__ import annotations

from datetime import timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console

from edge.watch import Fleet
from edge.watch.fleet import Message
from edge.watch.view import Screen, draw
from tests.payloads import NOW, ago, camera, event, state


def receive(
    fleet: Fleet, device: str, last: str, payload: str, received_at: float = 0, *, retained: bool = False
) -> None:
    fleet.receive(Message(f"emotion-edge/{device}/{last}", payload.encode(), ago(received_at), retained))


def fleet_of(count: int) -> Fleet:
    """As many devices; a face in each, and each a second quieter than the one before."""
    fleet = Fleet("emotion-edge")
    for index in range(count):
        name = f"room-{index:02}"
        receive(fleet, name, "availability", "online", index)
        receive(fleet, name, "event", event(type="appeared", device=name, at=ago(index + 5)).to_json(), index)
        receive(fleet, name, "state", state((3, "happy", ago(index + 5)), device=name, at=ago(index)).to_json(), index)
    return fleet


def drawn(fleet: Fleet, width: int = 118, height: int | None = None, problem: str | None = None) -> list[str]:
    console = Console(width=width, force_terminal=True, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(draw(fleet, NOW, Screen(width, height, colours=False), problem))
    return capture.get().splitlines()


def test_who_is_there_and_since_when() -> None:
    fleet = Fleet("emotion-edge")
    receive(fleet, "kitchen", "availability", "online")
    receive(fleet, "kitchen", "state", state((3, "happy", ago(42))).to_json())
    receive(fleet, "hall", "availability", "online")
    receive(
        fleet, "hall", "state", state((1, "sad", ago(600)), at=ago(150), device="hall", synthetic=True).to_json(), 150
    )
    receive(fleet, "hall", "state", state(at=ago(130), device="hall", synthetic=True).to_json(), 130)
    headline, columns, hall, kitchen, _ = drawn(fleet)
    assert headline.split() == ["03:14:15", "emotion-edge", "2", "devices,", "1", "face", "*", "test", "card"]
    assert columns.split()[:7] == ["device", "emotion", "%", "since", "3", "min", "ago"]
    assert hall.split()[:5] == ["●", "hall*", "nobody", "2", "min"]
    assert kitchen.split()[:6] == ["●", "kitchen", "happy", "91", "42", "s"]
    assert "HHHHHH" in kitchen
    assert "····" in hall


def test_a_flood_of_device_names_is_bounded_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.watch.fleet.MOST_DEVICES", 3)
    fleet = fleet_of(3)
    for number in range(50):
        receive(fleet, f"made up {number}", "availability", "online")
        receive(fleet, f"made up {number}", "state", state(device=f"made up {number}").to_json())
    receive(fleet, "room-00", "availability", "offline")
    assert set(fleet.devices) == {"room-00", "room-01", "room-02"}
    assert fleet.devices["room-00"].availability == "offline"
    assert "3 devices, 2 faces, 1 offline, 100 messages of further devices ignored" in drawn(fleet)[0]


def test_each_face_has_a_line_where_there_is_room_and_is_counted_where_there_is_none() -> None:
    fleet = fleet_of(2)
    two = state((3, "happy", ago(9)), (4, "sad", ago(7)), at=ago(1), device="room-00")
    receive(fleet, "room-00", "state", two.to_json(), 1)
    roomy, tight = drawn(fleet), drawn(fleet, height=6)
    assert [line.split()[0:1] for line in roomy[2:5]] == [["●"], ["sad"], ["●"]]
    assert "SSS" in roomy[3]
    assert "happy +1" in tight[2]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (118, 24), (60, 10), (200, 60), (40, 5), (30, 8)])
def test_forty_devices_fit_and_no_line_wraps(width: int, height: int) -> None:
    fleet = fleet_of(40)
    receive(fleet, "a" * 64, "availability", "online")
    lines = drawn(fleet, width, height, problem="cannot reach mqtt://somewhere.far.away; trying again")
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    told = next(index for index, line in enumerate(lines) if line.startswith("  device")) - 1
    assert sum(line.startswith("●") for line in lines) == min(41, max(1, height - 4 - told))


def test_why_nothing_is_received_is_told_whole() -> None:
    problem = "cannot reach mqtt://a-broker-with-a-name.example.invalid:1884: name or service not known; trying again"
    for width, height in ((80, 24), (60, 10), (80, None)):
        lines = drawn(fleet_of(3), width, height, problem=problem)
        assert problem in " ".join(line.strip() for line in lines)
        assert max(map(cell_len, lines)) <= width


def test_where_there_is_no_room_the_liveliest_are_shown_each_in_its_place() -> None:
    fleet = fleet_of(40)
    receive(fleet, "room-30", "event", event(1, device="room-30").to_json())
    lines = drawn(fleet, 80, 12)
    assert [line.split()[1] for line in lines if line.startswith("●")] == [
        *(f"room-{index:02}" for index in range(7)), "room-30",
    ]  # fmt: skip
    assert any(line.startswith("32 more, less active: room-07, ") for line in lines)


def test_lost_events_are_counted_and_marked() -> None:
    fleet = fleet_of(2)
    receive(fleet, "room-00", "event", event(4, "sad", device="room-00", at=ago(3)).to_json())
    headline, _, first, second, legend, *_ = drawn(fleet, 80)
    assert "3 events lost" in headline
    assert (first.split()[-1], second.split()[-1]) == ("3", "0")
    assert "!" in first
    assert "!" not in second
    assert "! lost" in legend


def test_a_count_of_any_size_is_shown() -> None:
    fleet = fleet_of(1)
    fleet.devices["room-00"].losses.received = 12_345
    fleet.devices["room-00"].losses.lost = 10**400
    row = drawn(fleet)[2]
    assert "12k" in row
    assert cell_len(row) <= 118


def test_offline_devices_and_missing_cameras_are_shown() -> None:
    fleet = fleet_of(2)
    receive(fleet, "room-00", "availability", "offline")
    receive(fleet, "room-01", "camera", camera("off", ago(1)).to_json())
    receive(fleet, "room-01", "state", state(device="room-01").to_json())
    headline, _, first, second, *_ = drawn(fleet)
    assert "1 offline" in headline
    assert first.split()[:3] == ["○", "room-00", "offline"]
    assert second.split()[:3] == ["◐", "room-01", "off"]


def two_faces_of(fleet: Fleet) -> None:
    receive(fleet, "kitchen", "availability", "online", retained=True)
    two = state((3, "happy", ago(700)), (4, "sad", ago(700)), at=ago(600))
    receive(fleet, "kitchen", "state", two.to_json(), 600, retained=True)


def test_a_device_that_returns_after_the_window_has_nobody_until_its_next_state() -> None:
    fleet = Fleet("emotion-edge")
    two_faces_of(fleet)
    receive(fleet, "kitchen", "availability", "offline", 590)
    fleet.prune(ago(180))
    assert drawn(fleet)[2].split()[:3] == ["○", "kitchen", "offline"]
    receive(fleet, "kitchen", "availability", "online")
    fleet.prune(ago(180))
    headline, _, row, *_ = drawn(fleet)
    assert "1 device, 0 faces" in headline
    assert row.split()[:3] == ["●", "kitchen", "nobody"]
    receive(fleet, "kitchen", "state", state((5, "happy", ago(1)), (6, "sad", ago(1)), session="b").to_json())
    first, second = drawn(fleet)[2:4]
    assert first.split()[:3] == ["●", "kitchen", "happy"]
    assert second.split()[0] == "sad"


@pytest.mark.parametrize("status", ["offline", "stalled", "off"])
def test_without_a_camera_there_is_nobody_whatever_the_kept_state_says(status: str) -> None:
    away = camera(status, ago(595)).to_json()
    for first in (True, False):
        fleet = Fleet("emotion-edge")
        if first:
            receive(fleet, "kitchen", "camera", away, retained=True)
        two_faces_of(fleet)
        if not first:
            receive(fleet, "kitchen", "camera", away, retained=True)
        fleet.prune(ago(180))
        headline, _, row, *_ = drawn(fleet)
        assert "1 device, 0 faces" in headline
        assert row.startswith("◐ kitchen")


def test_a_device_that_is_forgotten_leaves_the_table_and_returns_when_it_publishes_again() -> None:
    fleet = fleet_of(1)
    two_faces_of(fleet)
    receive(fleet, "kitchen", "availability", "offline", 590)
    for last in ("availability", "state", "camera", "health", "info", "summary", "detection/state"):
        receive(fleet, "kitchen", last, "")
        receive(fleet, "never-heard-of", last, "")
    headline, *rows = drawn(fleet)
    assert "1 device, 1 face" in headline
    assert "invalid" not in headline
    assert not any("kitchen" in row or "never" in row for row in rows)
    assert fleet.timelines["kitchen"].begin  # the plot still shows it
    receive(fleet, "kitchen", "state", state((5, "happy", ago(1)), session="b").to_json())
    assert drawn(fleet)[2].split()[:3] == ["?", "kitchen", "happy"]


def test_who_was_offline_before_we_came_left_with_its_last_state() -> None:
    for order in (("availability", "state"), ("state", "availability")):
        fleet = Fleet("emotion-edge")
        said = {"availability": "offline", "state": state((3, "happy", ago(120)), at=ago(90)).to_json()}
        for last in order:
            receive(fleet, "kitchen", last, said[last], retained=True)
        row = drawn(fleet)[2]
        assert row.split()[:5] == ["○", "kitchen", "offline", "90", "s"]
        assert 3 * row.count("x") > 4 * row.count("H") > 0


def test_a_device_whose_clock_is_wrong_is_shown_as_if_it_were_right() -> None:
    fleet = Fleet("emotion-edge")
    receive(fleet, "kitchen", "state", state((3, "happy", ago(7242)), at=ago(7200)).to_json())
    row = drawn(fleet)[2]
    assert row.split()[2:6] == ["happy", "91", "42", "s"]
    assert "HHHHHH" in row


def test_a_devices_name_is_no_markup() -> None:
    fleet = Fleet("emotion-edge")
    receive(fleet, "[red] [bold]", "availability", "online")
    receive(fleet, "[red] [bold]", "event", event(device="[red] [bold]").to_json())
    assert sum("[red] [bold]" in line for line in drawn(fleet)) == 2


def test_nothing_that_is_said_controls_the_terminal() -> None:
    fleet = Fleet("emotion-edge")
    evil = "a\x1b[2J\n" + "b" * 90
    receive(fleet, evil.replace("\n", ""), "event", event(0, evil, device=evil, previous=evil).to_json())
    receive(fleet, evil.replace("\n", ""), "state", state((3, evil, ago(1)), device=evil).to_json())
    lines = drawn(fleet, 80)
    assert len(lines) == 5  # headline, columns, one device, legend, one event
    assert "\x1b[2J" not in "".join(lines)
    assert max(map(cell_len, lines)) <= 80


def test_colours_tell_the_emotions_where_there_are_any() -> None:
    console = Console(width=80, force_terminal=True, color_system="truecolor", no_color=False)
    with console.capture() as capture:
        console.print(draw(fleet_of(1), NOW, Screen(80)))
    assert "\x1b[38;2;245;197;24m▇" in capture.get()


def test_what_lies_before_the_window_is_forgotten() -> None:
    fleet = fleet_of(3)
    for index in range(3):
        name = f"room-{index:02}"
        receive(fleet, name, "event", event(1, type="gone", device=name, at=ago(index)).to_json())
    fleet.prune(ago(0) - timedelta(seconds=1.5))
    assert [len(line.tracks) for line in fleet.timelines.values()] == [1, 1, 0]


@pytest.mark.parametrize(
    ("age", "scale"),
    [(1, "15 s ago"), (15, "15 s ago"), (16, "30 s ago"), (50, "1 min ago"), (119, "2 min ago"), (121, "3 min ago"),
     (9999, "3 min ago")],
)  # fmt: skip
def test_a_timeline_shows_at_first_what_is_known_and_fills_from_the_right(age: float, scale: str) -> None:
    fleet = Fleet("emotion-edge")
    receive(fleet, "kitchen", "state", state((3, "happy", ago(age)), at=ago(0), device="kitchen").to_json())
    _, columns, row, *_ = drawn(fleet)
    assert scale in columns
    begin = columns.index(scale)
    bar = row[begin : columns.index("now") + 3]
    assert bar.rstrip().endswith("H")
    assert "H " not in bar.strip()
    if age > 7.5:
        assert bar.count("H") >= len(bar) * 0.45


def test_the_window_is_no_longer_than_asked_for() -> None:
    fleet = fleet_of(1)
    console = Console(width=118, force_terminal=True, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(draw(fleet, NOW, Screen(118, window=timedelta(seconds=6))))
    assert "6 s ago" in capture.get()
