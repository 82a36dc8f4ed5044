"""One life of the daemon after the other: the real command, killed, with a broker that comes and goes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.broker import Mosquitto, Subscriber, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = "emotion-edge/test"
COMMAND = Path(sys.executable).parent / "emotion-edge"


@contextlib.contextmanager
def daemon(url: str, config: Path) -> Iterator[subprocess.Popen[str]]:
    command = [str(COMMAND), "run", "--config", str(config), "--camera", "testcard", "--broker", url, "--print"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def told(subscriber: Subscriber, topic: str) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in subscriber.payloads(f"{ROOT}/{topic}")]


def printed(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    event: dict[str, Any] = json.loads(process.stdout.readline())
    return event


def wait_until_written(event: dict[str, Any]) -> None:
    """Wait until an event of the first session is on the disk: within a second, unless others write there too."""
    state, part = Path(os.environ["STATE_DIRECTORY"]), f'"sequence":{event["sequence"]},'.encode()
    names = ("outbox.sqlite", "outbox.sqlite-wal")
    wait_until(lambda: any(part in file.read_bytes() for name in names for file in state.rglob(name)))


def test_a_killed_daemon_loses_nothing_older_than_a_second_and_the_next_one_says_how_far_it_came(
    tmp_path: Path,
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[mqtt]\ndevice = 'test'\n")
    broker = Mosquitto(tmp_path)  # not there yet
    with daemon(broker.url, config) as first:
        events = [printed(first) for _ in range(2)]
        wait_until_written(events[1])
        first.kill()
        assert first.stdout
        events += [json.loads(line) for line in first.stdout]
    with broker, contextlib.closing(Subscriber(broker.port)) as subscriber:
        with daemon(broker.url, config) as second:
            wait_until(lambda: any(e["session"] != events[0]["session"] for e in told(subscriber, "event")))
            info = told(subscriber, "info")[-1]
            second.terminate()
            second.wait(30)
        wait_until(lambda: subscriber.payloads(f"{ROOT}/availability")[-1:] == ["offline"])
        got = told(subscriber, "event")
        assert got[:2] == events[:2]
        assert info["previous_session"] == events[0]["session"]
        assert info["previous_last_sequence"] == events[-1]["sequence"]
        last = got[-1]
        assert last["session"] == info["session"]
        with daemon(broker.url, config):
            wait_until(lambda: told(subscriber, "info")[-1]["previous_session"] == info["session"])
            assert told(subscriber, "info")[-1]["previous_last_sequence"] == last["sequence"]


def test_events_for_a_wrong_broker_go_to_no_other(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[mqtt]\ndevice = 'test'\n")
    folders = [tmp_path / "wrong", tmp_path / "right"]
    for folder in folders:
        folder.mkdir()
    wrong, right = (Mosquitto(folder) for folder in folders)
    with daemon(wrong.url, config) as first:  # which is not there
        made = printed(first)
        wait_until_written(made)
    with right, contextlib.closing(Subscriber(right.port)) as subscriber:
        with daemon(right.url, config) as second:
            wait_until(lambda: bool(told(subscriber, "event")))
            wait_until(lambda: bool(told(subscriber, "health")))
            second.terminate()
            second.wait(30)
        assert made["session"] not in {event["session"] for event in told(subscriber, "event")}
        assert told(subscriber, "health")[0]["outbox"]["for_other_brokers"] >= 1
    with wrong, contextlib.closing(Subscriber(wrong.port)) as subscriber, daemon(wrong.url, config):
        wait_until(lambda: made in told(subscriber, "event"))
