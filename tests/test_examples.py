from __future__ import annotations

import contextlib
import io
import json
import runpy
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import paho.mqtt.publish
import pytest
from paho.mqtt.client import MQTTMessage

from edge.daemon import payloads
from edge.geometry import Rect
from edge.pipeline import Appeared, PresentFace, Snapshot
from edge.wire.topics import Topics
from tests.broker import HOST, Mosquitto, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.wire.messages import Payload
    from edge.wire.topics import Topic

EXAMPLES = Path(__file__).parents[1] / "examples"
ORIGIN = payloads.Origin("kitchen", "01JD0000000000000000000000")
TOPICS = Topics("emotion-edge", "kitchen")
WHEN = datetime(2026, 11, 22, tzinfo=UTC)
APPEARED = Appeared(WHEN, (640, 480), 1, Rect(0, 0, 90, 90), "happy", 0.9, {"happy": 0.9})

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="sudo apt install nodejs")


@contextlib.contextmanager
def running(name: str, broker: Mosquitto) -> Iterator[subprocess.Popen[str]]:
    """Start an example, and end it."""
    command = [sys.executable, str(EXAMPLES / name), HOST, str(broker.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def line(program: subprocess.Popen[str]) -> str:
    assert program.stdout
    return program.stdout.readline().rstrip()


def publish(topic: Topic, payload: Payload, broker: Mosquitto) -> None:
    paho.mqtt.publish.single(topic, payload.to_json(), topic.qos, topic.retained, HOST, broker.port)


def test_the_paho_example_prints_each_event_once_and_reports_gaps(mosquitto: Mosquitto) -> None:
    with running("subscribe_paho.py", mosquitto) as program:
        wait_until(lambda: "Received SUBSCRIBE from emotion-edge-example-paho" in mosquitto.log)
        for sequence in (0, 1, 1, 4):
            publish(TOPICS.event, payloads.event(APPEARED, ORIGIN, sequence), mosquitto)
        assert [line(program) for _ in range(3)] == ["2026-11-22T00:00:00.000Z kitchen appeared happy"] * 3
        program.kill()
        assert program.stderr
        assert program.stderr.read() == "kitchen: 2 events are missing\n"


def test_the_paho_example_waits_for_a_broker_that_is_away_at_its_start(mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    with running("subscribe_paho.py", mosquitto) as program:
        assert program.stderr
        told = program.stderr.readline()
        assert told == "cannot reach the broker: [Errno 111] Connection refused; trying again\n"
        mosquitto.start()
        wait_until(lambda: "Received SUBSCRIBE from emotion-edge-example-paho" in mosquitto.log)
        publish(TOPICS.event, payloads.event(APPEARED, ORIGIN, 0), mosquitto)
        assert line(program) == "2026-11-22T00:00:00.000Z kitchen appeared happy"


def test_the_paho_example_says_that_it_is_refused(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, users={"maria": "secret"}) as broker, running("subscribe_paho.py", broker) as program:
        assert program.stderr
        assert program.stderr.readline() == "the broker refuses: Not authorized; trying again\n"


@pytest.mark.parametrize(
    "payload", [b"{}", b"[]", b"\xff", b'{"device": [], "session": "", "sequence": 1}', b"[" * 100_000]
)
def test_the_paho_example_skips_what_is_no_event(payload: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    names = runpy.run_path(str(EXAMPLES / "subscribe_paho.py"))
    for content in (payload, payloads.event(APPEARED, ORIGIN, 0).to_json().encode()):
        message = MQTTMessage(topic=TOPICS.event.encode())
        message.payload = content
        names["on_message"](None, None, message)
    told = capsys.readouterr()
    assert (told.out, told.err) == (
        "2026-11-22T00:00:00.000Z kitchen appeared happy\n",
        f"{TOPICS.event}: not an event\n",
    )


def test_the_paho_example_remembers_a_bounded_number_of_sessions() -> None:
    names = runpy.run_path(str(EXAMPLES / "subscribe_paho.py"))
    for number in range(names["SESSIONS"] + 5):
        message = MQTTMessage(topic=TOPICS.event.encode())
        origin = payloads.Origin("kitchen", f"{number:026}")
        message.payload = payloads.event(APPEARED, origin, number).to_json().encode()
        names["on_message"](None, None, message)
    assert len(names["last"]) == names["SESSIONS"]
    assert ("kitchen", f"{number:026}") in names["last"]


def in_node_red(events: list[dict[str, object]]) -> dict[str, Any]:
    """Return what the flow passes on of events, what it warns of, and how many sessions it remembers."""
    flow = json.loads((EXAMPLES / "node-red.json").read_text("utf-8"))
    function = next(node["func"] for node in flow if node["id"] == "emotion-edge-once")
    script = """
        const [body, events] = JSON.parse(require('fs').readFileSync(0));
        const kept = {}, warned = [];
        const context = {get: name => kept[name], set: (name, value) => { kept[name] = value; }};
        const once = new Function('msg', 'node', 'context', body);
        const passed = events.filter(event => once({payload: event}, {warn: text => warned.push(text)}, context));
        const sessions = Object.values(Object.values(kept)[0]).flat().length;
        console.log(JSON.stringify({passed, warned, sessions}));
    """
    program = subprocess.run(
        ["node", "-e", script], input=json.dumps([function, events]), text=True, stdout=subprocess.PIPE, check=True
    )
    return cast("dict[str, Any]", json.loads(program.stdout))


@needs_node
def test_node_red_passes_each_event_once_and_warns_about_gaps_of_sessions_that_take_turns() -> None:
    turns = [("a", 0), ("b", 0), ("a", 1), ("b", 0), ("a", 1), ("b", 1), ("a", 4), ("a", 4), ("b", 2)]
    told = in_node_red([{"device": "kitchen", "session": session, "sequence": number} for session, number in turns])
    passed = [(event["session"], event["sequence"]) for event in told["passed"]]
    assert passed == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 4), ("b", 2)]
    assert told["warned"] == ["kitchen: 2 events are missing"]


@needs_node
def test_node_red_remembers_the_newest_sessions_of_a_device() -> None:
    many = [{"device": "kitchen", "session": f"{number}", "sequence": number} for number in range(9)]
    told = in_node_red([{"device": "hall", "session": "0", "sequence": 0}, *many, *many[-2:]])
    assert (len(told["passed"]), told["warned"], told["sessions"]) == (10, [], 5)


@needs_node
def test_node_red_remembers_a_bounded_number_of_devices() -> None:
    told = in_node_red([{"device": f"{number}", "session": "a", "sequence": 0} for number in range(1100)])
    assert (len(told["passed"]), told["sessions"]) == (1100, 1000)


def test_the_aiomqtt_example_prints_what_changes(mosquitto: Mosquitto) -> None:
    def show(*emotions: str) -> None:
        faces = tuple(PresentFace(1, APPEARED.rect, emotion, 0.9, WHEN) for emotion in emotions)
        publish(TOPICS.state, payloads.state(Snapshot(WHEN, (640, 480), faces), ORIGIN, WHEN), mosquitto)

    show("happy")
    with running("subscribe_aiomqtt.py", mosquitto) as program:
        assert line(program) == "2026-11-22T00:00:00.000Z kitchen happy"
        show("happy")
        show()
        assert line(program) == "2026-11-22T00:00:00.000Z kitchen nobody"


def test_the_aiomqtt_example_goes_on_after_the_broker_was_away_and_skips_what_is_no_state(mosquitto: Mosquitto) -> None:
    with running("subscribe_aiomqtt.py", mosquitto) as program:
        wait_until(lambda: mosquitto.log.count("Received SUBSCRIBE") == 1)
        mosquitto.restart()
        wait_until(lambda: mosquitto.log.count("Received SUBSCRIBE") == 2)
        paho.mqtt.publish.single(TOPICS.state, "{}", hostname=HOST, port=mosquitto.port)
        publish(TOPICS.state, payloads.state(Snapshot(WHEN, (640, 480), ()), ORIGIN, WHEN), mosquitto)
        assert line(program) == "2026-11-22T00:00:00.000Z kitchen nobody"


def test_the_hook_blinks_its_led(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    monkeypatch.setattr(sys, "stdin", io.StringIO(payloads.event(APPEARED, ORIGIN, 0).to_json()))
    monkeypatch.setattr(sys, "argv", ["led.py", "27"])
    names = runpy.run_path(str(EXAMPLES / "hooks" / "led.py"))
    (pin,) = names["LED"].pin_factory.pins.values()
    assert pin.info.name == "GPIO27"
    assert [state.state for state in pin.states] == [False, *[True, False] * 5]
