from __future__ import annotations

import contextlib
import io
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.config import MqttConfig
from edge.errors import ConfigError, OutputError
from edge.watch import Fleet, WatchOptions, watch
from edge.watch.fleet import Message
from edge.watch.record import read
from tests.broker import Mosquitto, Subscriber, wait_until
from tests.payloads import NOW, ago, camera, event, info, state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Outcome

COMMAND = Path(sys.executable).parent / "emotion-edge"


def receive(fleet: Fleet, last: str, payload: str) -> object:
    return fleet.receive(Message(f"emotion-edge/kitchen/{last}", payload.encode(errors="surrogateescape"), NOW))


def test_an_event_is_given_back_once() -> None:
    fleet = Fleet("emotion-edge")
    assert receive(fleet, "event", event(5).to_json()) == event(5)
    assert receive(fleet, "event", event(5).to_json()) is None
    assert receive(fleet, "state", state().to_json()) is None


def test_a_tail_that_info_tells_of_is_lost() -> None:
    fleet = Fleet("emotion-edge")
    receive(fleet, "event", event(5).to_json())
    receive(fleet, "info", info("b", previous="a", last=8).to_json())
    receive(fleet, "event", event(6).to_json())
    assert fleet.devices["kitchen"].losses.lost == 0
    receive(fleet, "event", event(0, session="b").to_json())
    assert fleet.devices["kitchen"].losses.lost == 2
    assert fleet.timelines["kitchen"].losses == [(NOW, 2)]


def test_a_heartbeat_is_no_activity() -> None:
    fleet = Fleet("emotion-edge")
    receive(fleet, "event", event(5).to_json())
    later = Message("emotion-edge/kitchen/state", state().to_json().encode(), ago(-30))
    fleet.receive(later)
    assert fleet.devices["kitchen"].active == NOW


def test_what_is_not_in_form_is_counted_and_what_is_of_a_later_version_is_not() -> None:
    fleet = Fleet("emotion-edge")
    receive(fleet, "event", "{}")
    receive(fleet, "state", "\udcff")
    receive(fleet, "availability", "perhaps")
    receive(fleet, "unheard-of", "x")
    receive(fleet, "detection/state", "ON")
    assert (list(fleet.devices), fleet.invalid) == ([], 3)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("captured_at", "0001-01-01T00:00:00Z"),
        ("captured_at", "9999-12-31T23:59:59Z"),
        ("captured_at", "2026-11-22T03:14:15"),  # without a zone
        ("lasted_s", 1e300),
        ("emotion", "x" * 101),
        ("previous", "x" * 101),
        ("device", "x" * 101),
        ("session", "x" * 101),
        ("probabilities", {"x" * 101: 1}),
        ("probabilities", {f"{number}": 0 for number in range(1001)}),
    ],
)
def test_nonsense_in_the_right_form_is_counted_and_does_no_harm(field: str, value: object) -> None:
    fleet = Fleet("emotion-edge")
    assert receive(fleet, "event", json.dumps({**json.loads(event().to_json()), field: value})) is None
    assert (list(fleet.devices), fleet.invalid) == ([], 1)


@pytest.mark.parametrize(("length", "invalid"), [(10_000, 0), (10_001, 1)])
def test_a_text_for_people_may_name_long_paths(length: int, invalid: int) -> None:
    fleet = Fleet("emotion-edge")
    receive(fleet, "camera", json.dumps({**json.loads(camera("offline").to_json()), "reason": "x" * length}))
    assert fleet.invalid == invalid


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**400], ids=["positive", "negative", "huge"])
@pytest.mark.parametrize("where", ["sequence", "face.id", "face.box.x", "face.frame.width", "previous_last_sequence"])
def test_an_integer_that_nothing_counts_to_is_counted_and_does_no_harm(where: str, number: int) -> None:
    fleet = Fleet("emotion-edge")
    receive(fleet, "event", event(0).to_json())
    last = "info" if where.startswith("previous") else "event"
    content = json.loads(info("b", previous="a", last=8).to_json() if last == "info" else event(1).to_json())
    *parents, key = where.split(".")
    inner = content
    for parent in parents:
        inner = inner[parent]
    inner[key] = number
    assert receive(fleet, last, json.dumps(content)) is None
    receive(fleet, "event", event(0, session="b").to_json())
    assert (fleet.invalid, fleet.devices["kitchen"].losses.lost) == (1, 0)


@contextlib.contextmanager
def watching(mosquitto: Mosquitto, device: str, options: WatchOptions) -> Iterator[Subscriber]:
    """Watch while the block speaks, then stop in good order."""
    stop, config = threading.Event(), MqttConfig(url=mosquitto.url, device="x")
    thread = threading.Thread(target=watch, args=(config, device, stop, options))
    thread.start()
    wait_until(lambda: "SUBSCRIBE" in mosquitto.log)
    with contextlib.closing(Subscriber(mosquitto.port)) as speaker:
        yield speaker
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_json_lines_for_pipes_and_a_record_beside_them(mosquitto: Mosquitto, tmp_path: Path) -> None:
    printed, record = io.StringIO(), tmp_path / "events.csv"
    with watching(mosquitto, "kitchen", WatchOptions(printed, record)) as speaker:
        speaker.publish("emotion-edge/kitchen/event", event(0).to_json())
        speaker.publish("emotion-edge/kitchen/event", event(0).to_json())
        speaker.publish("emotion-edge/hall/event", event(0, device="hall").to_json())
        speaker.publish("emotion-edge/kitchen/availability", "online")
        wait_until(lambda: printed.getvalue().count("\n") == 3)
    first, second, third = (json.loads(line) for line in printed.getvalue().splitlines())
    assert (first["topic"], first["payload"]["emotion"]) == ("emotion-edge/kitchen/event", "happy")
    assert second == first  # as it came; the record has it once
    assert third == {"topic": "emotion-edge/kitchen/availability", "payload": "online"}
    assert list(read(record)) == [event(0)]


@pytest.mark.parametrize(
    "payload",
    [
        *("[" * 100_000, "[" * 300 + "]" * 300, '"\\ud800"', "9" * 5000, "1e999", "NaN"),
        *("\x1b[2J", "\x00", "\x7f", "\x9b2J", "\x9d0;t\x9c", "\u202e", "\U000e0001 grüß 🙂"),
    ],
)
def test_what_is_no_json_is_printed_as_text(mosquitto: Mosquitto, payload: str) -> None:
    printed = io.StringIO()
    with watching(mosquitto, "kitchen", WatchOptions(printed)) as speaker:
        speaker.publish("emotion-edge/kitchen/other", payload)
        wait_until(lambda: printed.getvalue().endswith("\n"))
    assert json.loads(printed.getvalue())["payload"] == payload
    assert printed.getvalue()[:-1].isprintable()


def test_a_table_and_a_record_of_several_devices(
    mosquitto: Mosquitto, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "events.csv"
    said = [event(0), event(0, "sad", device="[hall]"), event(2, "sad")]
    with watching(mosquitto, "+", WatchOptions(record=record)) as speaker:
        for each in said:
            speaker.publish(f"emotion-edge/{each.device}/event", each.to_json())
        wait_until(lambda: record.exists() and record.read_bytes().count(b"\n") == 4)
    assert list(read(record)) == said
    shown = capsys.readouterr().out
    assert "2 devices, 0 faces, 1 event lost" in shown
    assert "[hall]" in shown


def test_ctrl_c_ends_it_in_good_order_with_everything_written(mosquitto: Mosquitto, tmp_path: Path) -> None:
    record, picture = tmp_path / "events.csv", tmp_path / "out.png"
    command = [str(COMMAND), "watch", "--broker", mosquitto.url, "--json"]
    command += ["--record", str(record), "--plot", str(picture)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: "SUBSCRIBE" in mosquitto.log)
    with contextlib.closing(Subscriber(mosquitto.port)) as speaker:
        speaker.publish("emotion-edge/kitchen/event", event(0).to_json())
        wait_until(lambda: record.read_bytes().count(b"\n") == 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert [json.loads(line)["payload"]["sequence"] for line in out.splitlines()] == [0]
    assert list(read(record)) == [event(0)]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_without_a_broker_there_is_nothing_to_watch() -> None:
    with pytest.raises(ConfigError, match="nothing to watch"):
        watch(MqttConfig(url="none", device="x"), "+", threading.Event())


def test_a_record_that_cannot_be_written_is_told_before_anybody_listens(tmp_path: Path) -> None:
    record = tmp_path / "events.csv"
    record.write_text("something else\n")
    config = MqttConfig(url="mqtt://127.0.0.1:1", device="x")
    with pytest.raises(OutputError, match="does not begin with a record's header"):
        watch(config, "+", threading.Event(), WatchOptions(record=record))


def test_it_logs_in_as_the_user_of_its_options_whatever_the_configuration_says(
    tmp_path: Path, emotion_edge: Callable[..., Outcome]
) -> None:
    (tmp_path / "password").write_text("hush")
    config = tmp_path / "config.toml"
    with Mosquitto(tmp_path, users={"watcher": "hush"}) as broker:
        config.write_text(
            f'[mqtt]\nurl = "mqtt://kitchen@127.0.0.1:{broker.port}"\npassword_file = "/run/credentials/x/password"\n'
        )
        command: list[str | Path] = [
            COMMAND,
            "watch",
            "--config",
            config,
            "--user",
            "watcher",
            "--password-file",
            tmp_path / "password",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            wait_until(lambda: "as auto" in broker.log or "u'watcher'" in broker.log)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "refuses" not in out
    refused = emotion_edge("watch", "--broker", "embedded", "--user", "me")
    assert (refused.code, "--user: embedded: this broker takes no user" in refused.err) == (2, True)
