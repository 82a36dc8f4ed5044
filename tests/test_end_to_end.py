"""From pixels to a broker, as a user runs it: the real command, a real mosquitto, every payload checked."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from edge.mqtt.client_id import object_id
from edge.wire.payload_types import PAYLOADS
from tests import hass
from tests.broker import Mosquitto, Subscriber, wait_until
from tests.edge.daemon.world import ROOT, last
from tests.footage import clip
from tests.requester import Requester

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


MALE = "head-pose-face-detection-male.gif"
COMMAND = Path(sys.executable).parent / "emotion-edge"
ANNOUNCEMENT = f"homeassistant/device/{object_id(ROOT)}/config"
WORDS = {"availability": ("online", "offline"), "detection/state": ("ON", "OFF")}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start daemons that are gone at the end."""
    started = []
    config = tmp_path / "config.toml"
    config.write_text("[mqtt]\ndevice = 'test'\n[health]\nevery_s = 1\n[frames]\nenabled = true\n")

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [COMMAND, "run", "--config", config, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def validate(subscriber: Subscriber, *, synthetic: bool) -> None:
    """Hold everything that was published against its schema and the rules of its topic."""
    schemas = {name: jsonschema.Draft202012Validator(payload.json_schema()) for name, payload in PAYLOADS.items()}
    heard = set()
    for message in subscriber.messages:
        last = message.topic.removeprefix(f"{ROOT}/")
        heard.add(last)
        if last in WORDS:
            assert message.payload.decode() in WORDS[last]
            continue
        if last == ANNOUNCEMENT:
            hass.check(last, bytes(message.payload))
            continue
        payload = json.loads(message.payload)
        schemas[last].validate(payload)
        assert payload.get("synthetic", False) is synthetic, message.topic
    assert heard == {*WORDS, ANNOUNCEMENT, *PAYLOADS}


def events(subscriber: Subscriber) -> list[dict[str, Any]]:
    found = [json.loads(payload) for payload in subscriber.payloads(f"{ROOT}/event")]
    assert [event["sequence"] for event in found] == list(range(len(found)))
    assert len({event["session"] for event in found}) <= 1
    return found


@pytest.mark.footage
def test_a_clip_reaches_the_broker_whole(
    daemon: Callable[..., subprocess.Popen[str]], mosquitto: Mosquitto, subscriber: Subscriber
) -> None:
    process = daemon("--camera", clip(MALE), "--broker", mosquitto.url, "--print")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability")[-1:] == ["offline"])

    validate(subscriber, synthetic=False)
    found = events(subscriber)
    assert [json.loads(line) for line in out.splitlines()] == found
    assert {event["face"]["id"] for event in found} == {1}
    assert found[0]["type"] == "appeared"
    assert found[-1]["type"] == "gone"
    assert "happy" in {event["emotion"] for event in found}
    states = [json.loads(payload) for payload in subscriber.payloads(f"{ROOT}/state")]
    assert states[-1]["faces"] == []
    assert [json.loads(p)["status"] for p in subscriber.payloads(f"{ROOT}/camera")][-1] == "offline"


def test_the_test_card_runs_until_it_is_told_to_stop(
    daemon: Callable[..., subprocess.Popen[str]], mosquitto: Mosquitto, subscriber: Subscriber
) -> None:
    process = daemon("--camera", "testcard", "--broker", mosquitto.url)
    wait_until(lambda: len(subscriber.payloads(f"{ROOT}/health")) >= 3)
    wait_until(lambda: len(subscriber.payloads(f"{ROOT}/event")) >= 2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in err) == (0, False)
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability") == ["online", "offline"])

    validate(subscriber, synthetic=True)
    assert events(subscriber)[-1]["type"] == "gone"
    health = json.loads(subscriber.payloads(f"{ROOT}/health")[-1])
    assert health["frames"]["processed"] > 0
    assert health["latency"]["p50_ms"] > 0


def test_a_new_subscriber_learns_everything_that_is_retained(
    daemon: Callable[..., subprocess.Popen[str]], mosquitto: Mosquitto, subscriber: Subscriber
) -> None:
    daemon("--camera", "testcard", "--broker", mosquitto.url)
    retained = {*PAYLOADS, *WORDS, ANNOUNCEMENT} - {"event", "frame"}
    wait_until(lambda: retained <= {m.topic.removeprefix(f"{ROOT}/") for m in subscriber.messages})
    late = type(subscriber)(mosquitto.port)
    try:
        wait_until(lambda: {m.topic.removeprefix(f"{ROOT}/") for m in late.messages if m.retain} == retained)
    finally:
        late.close()


def test_who_turns_detection_off_finds_it_off_after_a_restart(
    daemon: Callable[..., subprocess.Popen[str]], mosquitto: Mosquitto, subscriber: Subscriber
) -> None:
    first = daemon("--camera", "testcard", "--broker", mosquitto.url)
    wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
    subscriber.publish(f"{ROOT}/detection/set", "OFF")
    wait_until(lambda: last(subscriber, "camera")["status"] == "off")
    wait_until(lambda: last(subscriber, "state")["faces"] == [])
    first.kill()
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability")[-1] == "offline")
    with contextlib.closing(Requester(mosquitto.port)) as requester:
        requester.publish(f"{ROOT}/detection/set", b"ON", retain=True)
    session = last(subscriber, "event")["session"]

    daemon("--camera", "testcard", "--broker", mosquitto.url)
    wait_until(lambda: last(subscriber, "health")["session"] != session)
    wait_until(lambda: last(subscriber, "camera")["session"] != session)
    # The broker need not send what it keeps; a command that is to be kept is ignored when it comes as well.
    assert last(subscriber, "health")["commands_ignored"] == 0
    with contextlib.closing(Requester(mosquitto.port)) as requester:
        requester.publish(f"{ROOT}/detection/set", b"ON", retain=True)
    wait_until(lambda: last(subscriber, "health")["commands_ignored"] == 1)
    assert last(subscriber, "camera")["status"] == "off"
    assert last(subscriber, "health")["frames"]["captured"] == 0
    assert subscriber.payloads(f"{ROOT}/detection/state")[-1] == "OFF"
    assert last(subscriber, "event")["session"] == session  # which may come twice

    subscriber.publish(f"{ROOT}/detection/set", "ON")
    wait_until(lambda: last(subscriber, "event")["session"] != session)
    assert last(subscriber, "event")["synthetic"] is True
    assert last(subscriber, "info")["camera"] == "testcard"
    wait_until(lambda: subscriber.payloads(f"{ROOT}/detection/state")[-1] == "ON")


def test_ten_thousand_random_payloads_on_the_command_topics_change_nothing(
    daemon: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    dice = random.Random(3)  # noqa: S311  # no secret
    large = dice.randbytes(1_000_000)
    with (
        Mosquitto(tmp_path, options=["max_queued_messages 0"]) as broker,  # it would drop what comes too fast
        contextlib.closing(Subscriber(broker.port)) as subscriber,
        contextlib.closing(Requester(broker.port)) as requester,
    ):
        daemon("--camera", "testcard", "--broker", broker.url)
        before = {"detection/state": 1, "camera": 1, "info": 1}
        wait_until(lambda: all(subscriber.payloads(f"{ROOT}/{topic}") for topic in [*before, "event"]))
        for number in range(10_000):
            size = 1_000_000 if number % 1000 == 999 else dice.choice((0, 1, 3, 7, 40, 300))
            start = dice.randrange(len(large) - size + 1)
            requester.send(f"{ROOT}/{dice.choice(('detection/set', 'request/x'))}", large[start : start + size])
        wait_until(lambda: last(subscriber, "health")["commands_ignored"] == 10_000)
        assert {topic: len(subscriber.payloads(f"{ROOT}/{topic}")) for topic in before} == before
        assert last(subscriber, "health")["broker"]["reconnects"] == 0
        assert subscriber.payloads(f"{ROOT}/availability") == ["online"]
        subscriber.publish(f"{ROOT}/detection/set", "OFF")
        wait_until(lambda: last(subscriber, "camera")["status"] == "off")  # it still listens


@pytest.mark.footage
def test_a_reader_that_leaves_ends_the_daemon_in_good_order(
    daemon: Callable[..., subprocess.Popen[str]], mosquitto: Mosquitto, subscriber: Subscriber
) -> None:
    process = daemon("--camera", "testcard", "--broker", mosquitto.url, "--print")
    assert process.stdout
    assert json.loads(process.stdout.readline())["type"] == "appeared"
    process.stdout.close()
    assert process.wait(timeout=30) == 0  # with the next event
    wait_until(lambda: subscriber.payloads(f"{ROOT}/availability")[-1:] == ["offline"])
    assert events(subscriber)[-1]["type"] == "gone"
    assert json.loads(subscriber.payloads(f"{ROOT}/state")[-1])["faces"] == []


def test_a_full_disk_under_standard_output_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [COMMAND, "run", "--camera", "testcard", "--broker", "none", "--print"],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False, cwd=tmp_path,
        )  # fmt: skip
    assert ended.returncode == 2
    assert "standard output: the events cannot be printed: No space left" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_absent_broker_is_said_once_and_ends_nothing(daemon: Callable[..., subprocess.Popen[str]]) -> None:
    process = daemon("--camera", "testcard", "--broker", "mqtt://127.0.0.1:1", "--print")
    assert process.stdout
    assert json.loads(process.stdout.readline())["type"] == "appeared"
    time.sleep(3)  # several attempts
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err.count("cannot reach mqtt://127.0.0.1:1") == 1, err


def test_what_make_run_starts_shows_somebody_and_stops(daemon: Callable[..., subprocess.Popen[str]]) -> None:
    process = daemon("--camera", "auto", "--broker", "embedded", "--print")
    assert process.stdout
    event = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    if "test card" in err:  # a machine with a camera shows what is there
        assert event["synthetic"] is True
