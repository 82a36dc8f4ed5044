"""A real mosquitto for tests, on a free port of this machine, and somebody who listens to it."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

HOST = "127.0.0.1"


def find(program: str) -> str:
    """Return the path of a program that Debian may put where only root looks.

    Raises:
        FileNotFoundError: It is not installed.
    """
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if path is None:
        package = "mosquitto" if program.startswith("mosquitto") else program
        message = f"{program} is not installed: sudo apt install {package}"
        raise FileNotFoundError(message)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Mosquitto:
    """A broker that can be stopped, killed, paused and started again on the same port.

    Args:
        folder: An empty folder of the test's own.
        users: Name to password; None lets everybody in.
        persistence: True keeps sessions and retained messages over a restart.
        options: Further lines of mosquitto.conf.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: Mapping[str, str] | None = None,
        persistence: bool = False,
        options: Iterable[str] = (),
    ) -> None:
        self.port = free_port()
        self._program = find("mosquitto")
        self._log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        self._passwords = folder / "passwords"
        self._process: subprocess.Popen[bytes] | None = None
        self._lines = [
            "user root",  # who else would become a user that cannot read the folder; it means nothing to others
            f"listener {self.port} {HOST}",
            f"allow_anonymous {'true' if users is None else 'false'}",
            f"persistence {'true' if persistence else 'false'}",
            f"persistence_location {folder}/",
            "log_type all",
            "max_queued_messages 100000",  # or it drops, after 1,000, what a subscriber is too slow for
        ]
        if users is not None:
            self._lines.append(f"password_file {self._passwords}")
            self._passwords.touch(mode=0o600)
            for user, password in users.items():
                self.set_password(user, password)
        self.configure(options)

    def configure(self, options: Iterable[str]) -> None:
        """Replace the options; they hold from the next start on."""
        self._config.write_text("\n".join([*self._lines, *options]) + "\n", encoding="utf-8")

    @property
    def url(self) -> str:
        return f"mqtt://{HOST}:{self.port}"

    @property
    def log(self) -> str:
        """What the broker said since the test began."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start, and wait until connections are taken."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", str(self._config)], stdout=log, stderr=log)
        until = time.monotonic() + 30
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
                return
            time.sleep(0.01)
        self.kill()
        message = f"mosquitto did not start:\n{self.log}"
        raise RuntimeError(message)

    def stop(self) -> None:
        """End it in good order. Safe to call twice."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start on the same port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let it answer nothing while its connections stay open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def set_password(self, user: str, password: str) -> None:
        """Set a user's password, also while it runs."""
        program = find("mosquitto_passwd")
        subprocess.run([program, "-b", str(self._passwords), user, password], check=True, capture_output=True)
        if self._process:
            self.reload()

    def reload(self) -> None:
        """Have it read its passwords and access lists again."""
        self._signal(signal.SIGHUP)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            message = "mosquitto is not running"
            raise RuntimeError(message)
        os.kill(self._process.pid, number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)  # a paused one hears nothing but SIGKILL
            self._process.wait(30)
            self._process = None


class Subscriber:
    """Notes every message, in order. One with a name has a session that outlives its connections."""

    def __init__(
        self, port: int, name: str = "", *, user: str | None = None, password: str | None = None, qos: int = 1
    ) -> None:
        self.messages: list[paho.MQTTMessage] = []
        self._ready: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, name, clean_session=not name, protocol=paho.MQTTv311, userdata=self
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=qos)
        self._client.on_subscribe = lambda *_: self._ready.put(None)
        self._client.on_message = lambda _client, _data, message: self.messages.append(message)
        if user:
            self._client.username_pw_set(user, password)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._ready.get(timeout=30)

    def payloads(self, topic: str) -> list[str]:
        """Return what came on a topic so far."""
        return [message.payload.decode() for message in list(self.messages) if message.topic == topic]

    def publish(self, topic: str, payload: str | bytes, qos: int = 1) -> None:
        self._client.publish(topic, payload, qos=qos)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def wait_until(condition: Callable[[], Any], timeout_s: float = 60.0) -> None:
    """Wait until something is so, and fail where it never is; what looks for something that is not there is not so."""
    until = time.monotonic() + timeout_s
    while not _is_so(condition):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def _is_so(condition: Callable[[], Any]) -> bool:
    try:
        return bool(condition())
    except LookupError:  # no message came yet, or none that says it
        return False
