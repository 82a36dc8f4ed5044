"""A cluster of three RabbitMQ nodes on this machine behind a haproxy, from `examples/fleet` but for addresses."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.broker import HOST, find, free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EXAMPLES = Path(__file__).parents[2] / "examples" / "fleet"
PROGRAMS = Path("/usr/lib/rabbitmq/bin")
"""Debian's wrappers in /usr/sbin want to be root and become the service's user; these run as whoever calls them."""

DEVICES_POLICY = '{"ha-mode": "exactly", "ha-params": 2}'

_NODES = (1, 2, 3)
_PATIENCE_S = 300.0
"""For a node to start, on a machine that does much else."""


class Node:
    """One node: it has a folder, ports and the cluster's cookie, and nothing of the system's service."""

    def __init__(self, number: int, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = f"fleet-{number}@localhost"
        self.mqtt_port, self.amqp_port = free_port(), free_port()
        self._folder = folder / f"node-{number}"
        self._process: subprocess.Popen[bytes] | None = None
        configuration = self._folder / "conf.d"
        configuration.mkdir(parents=True)
        shutil.copy(EXAMPLES / "rabbitmq.conf", configuration / "10-emotion-edge.conf")
        (configuration / "90-here.conf").write_text("\n".join(self._here()) + "\n", encoding="utf-8")
        (self._folder / "enabled_plugins").write_text("[rabbitmq_mqtt].\n", encoding="utf-8")
        self._environment = {
            **environment,
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self._folder),
            "RABBITMQ_LOG_BASE": str(self._folder),
            "RABBITMQ_CONFIG_FILES": str(configuration),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "none.conf"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
            # An idle scheduler spins unless told otherwise: six of them would take both cores.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} "
            "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
            "RUNNING_UNDER_SYSTEMD": "1",  # becomes the server, in place of waiting for it in a shell
        }

    def start(self) -> None:
        """Begin to start; `wait` waits until it takes connections."""
        with (self._folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [str(PROGRAMS / "rabbitmq-server")],
                env=self._environment,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until it takes MQTT's and AMQP's connections.

        Raises:
            RuntimeError: It does not.
        """
        _wait(self._process, (self.mqtt_port, self.amqp_port), self._folder / "output")

    def kill(self) -> None:
        """End it as a power cut would. Safe to call twice."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # with its helpers
            self._process.wait()
            self._process = None

    @property
    def rss_mb(self) -> float:
        """Resident memory."""
        return int(self._stat("statm").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def cpu_s(self) -> float:
        """User and system time: proc(5), fields 14 and 15 of stat, in ticks."""
        fields = self._stat("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _stat(self, name: str) -> str:
        if self._process is None:
            message = f"{self.name} is not running"
            raise RuntimeError(message)
        return Path(f"/proc/{self._process.pid}/{name}").read_text(encoding="utf-8")

    def _here(self) -> list[str]:
        return [
            *(f"cluster_formation.classic_config.nodes.{number} = fleet-{number}@localhost" for number in _NODES),
            # They start one after the other, so that there is no race to wait out.
            "cluster_formation.randomized_startup_delay_range.min = 0",
            "cluster_formation.randomized_startup_delay_range.max = 1",
            f"listeners.tcp.1 = {HOST}:{self.amqp_port}",
            f"mqtt.listeners.tcp.1 = {HOST}:{self.mqtt_port}",
            # A page for each connection that tries MQTT 5 first would be measured too.
            "log.file.level = critical",
        ]


class Cluster:
    """Three nodes and what they need, all in a folder.

    Args:
        folder: An empty folder of the play's own.

    Raises:
        FileNotFoundError: A program is not installed.
    """

    title = "three RabbitMQ nodes behind haproxy"
    goes_on = True

    def __init__(self, folder: Path) -> None:
        if not (PROGRAMS / "rabbitmq-server").exists():
            message = "rabbitmq-server is not installed: sudo apt install rabbitmq-server"
            raise FileNotFoundError(message)
        self.port, self.amqp_port, self._epmd_port = free_port(), free_port(), free_port()
        self._cleanup = contextlib.ExitStack()
        cookie = folder / ".erlang.cookie"
        cookie.touch(mode=0o600)
        cookie.write_text(secrets.token_hex(), encoding="ascii")
        cookie.chmod(0o400)  # Erlang refuses another one
        self._environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(folder),  # where the cookie is
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": HOST,
        }
        self.nodes = [Node(number, folder, self._environment) for number in _NODES]
        self._away: Node | None = None
        self._balancer = folder / "haproxy.cfg"
        self._balancer.write_text(self._balanced(), encoding="utf-8")

    @property
    def url(self) -> str:
        """What devices have as their broker: the balancer."""
        return f"mqtt://{HOST}:{self.port}"

    def fail(self, number: int) -> None:
        """Kill a node, each in its turn."""
        self._away = self.nodes[number % len(self.nodes)]
        self._away.kill()

    def recover(self) -> None:
        """Start the node that failed, and wait until it takes connections."""
        if self._away:
            self._away.start()
            self._away.wait()
            self._away = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as cleanup:
            self._run(cleanup, ["epmd", "-port", str(self._epmd_port), "-address", HOST], self._epmd_port)
            for node in self.nodes:
                cleanup.callback(node.kill)
                node.start()
                node.wait()
            self._control("await_online_nodes", str(len(self.nodes)), "--timeout", "60")
            # What devices subscribe to is a durable queue on one node: without a second one, RabbitMQ lets none of its
            # devices in again until that node is back.
            self._control("set_policy", "devices", "^mqtt-subscription-edge", DEVICES_POLICY, "--apply-to", "queues")
            balancer = [find("haproxy"), "-db", "-f", str(self._balancer)]
            self._run(cleanup, balancer, self.port, self.amqp_port)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def _control(self, *command: str) -> None:
        program = [str(PROGRAMS / "rabbitmqctl"), "-n", self.nodes[0].name]
        subprocess.run([*program, *command], env=self._environment, check=True, capture_output=True)

    def _run(self, cleanup: contextlib.ExitStack, command: list[str], *ports: int) -> None:
        path = self._balancer.with_name(f"{Path(command[0]).name}.output")
        with path.open("wb") as output:
            process = subprocess.Popen(
                command, env=self._environment, stdout=output, stderr=output, start_new_session=True
            )
        cleanup.callback(process.wait)
        cleanup.callback(process.kill)
        _wait(process, ports, path)

    def _balanced(self) -> str:
        """Return the example's text with the addresses of here."""
        text = (EXAMPLES / "haproxy.cfg").read_text(encoding="utf-8")
        addresses = {"bind :8883": f"bind {HOST}:{self.port}", "bind :5671": f"bind {HOST}:{self.amqp_port}"}
        addresses["maxconn 40000"] = "maxconn 4000"  # two file descriptors each, as many as any user may have
        for number, node in zip(_NODES, self.nodes, strict=True):
            addresses[f" rabbit-{number}:8883"] = f" {HOST}:{node.mqtt_port}"
            addresses[f" rabbit-{number}:5671"] = f" {HOST}:{node.amqp_port}"
        for theirs, ours in addresses.items():
            if theirs not in text:
                message = f"examples/fleet/haproxy.cfg has no {theirs!r}, which is replaced"
                raise ValueError(message)
            text = text.replace(theirs, ours)
        return text


def _wait(process: subprocess.Popen[bytes] | None, ports: Iterable[int], output: Path) -> None:
    """Wait until a program listens at all of its ports.

    Raises:
        RuntimeError: It does not; with the end of what it said.
    """
    until_s = time.monotonic() + _PATIENCE_S
    while process and process.poll() is None and time.monotonic() < until_s:
        if all(_listens(port) for port in ports):
            return
        time.sleep(0.05)
    message = f"it does not take connections:\n{output.read_text(encoding='utf-8', errors='replace')[-3000:]}"
    raise RuntimeError(message)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False
