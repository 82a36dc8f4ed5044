"""Everything that the daemon writes is in its state folder and in memory: the rest of the system may be read-only."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.broker import wait_until
from tests.edge.daemon.world import ROOT
from tests.mounts import can_mount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.broker import Mosquitto, Subscriber

COMMAND = str(Path(sys.executable).parent / "emotion-edge")
READ_ONLY = 'mount --bind "$STATE_DIRECTORY" "$STATE_DIRECTORY" && mount -o remount,bind,ro / && exec "$@"'
"""In a mount namespace of its own, which ends with the daemon; a file system in memory stays writable."""

pytestmark = pytest.mark.skipif(not can_mount(), reason="mounting needs root, and the right to")


@pytest.fixture
def memory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def test_on_a_read_only_root_nothing_is_missing(
    mosquitto: Mosquitto, subscriber: Subscriber, tmp_path: Path, memory: Path
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    environ = os.environ | {
        "STATE_DIRECTORY": str(state),
        "RUNTIME_DIRECTORY": str(memory / "run"),
        "EMOTION_EDGE_MQTT__DEVICE": "test",
    }
    command = [COMMAND, "run", "--camera", "testcard", "--broker", mosquitto.url]
    wrapped = ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", *command]
    with subprocess.Popen(wrapped, env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: subscriber.payloads(f"{ROOT}/event"))
            subscriber.publish(f"{ROOT}/detection/set", "OFF")
            wait_until(lambda: subscriber.payloads(f"{ROOT}/detection/state")[-1:] == ["OFF"])
            subscriber.publish(f"{ROOT}/detection/set", "ON")
            wait_until(lambda: '"appeared"' in subscriber.payloads(f"{ROOT}/event")[-1])
            mosquitto.kill()
            wait_until((state / "outbox.sqlite").is_file)  # the next event waits on disk
        finally:
            process.terminate()
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "cannot be written" not in err
    assert "Read-only" not in err
    assert {"session.json", "daemon.json"} <= {path.name for path in state.iterdir()}
    assert (memory / "run/session.json").is_file()
    assert (state / "detection").read_text() == "ON\n"
