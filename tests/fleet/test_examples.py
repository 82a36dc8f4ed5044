"""The files of examples/fleet do what they say, as far as the program that reads them is here."""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from edge.mqtt.client_id import object_id
from edge.wire.topics import HomeAssistantTopics, Inbound, Topics
from tests.broker import HOST, Mosquitto, Subscriber, find, free_port
from tests.certificates import Authority, needs_openssl
from tests.fleet.cluster import EXAMPLES
from tests.fleet.writers import QUEUE
from tests.payloads import event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOSQUITTO = EXAMPLES.parent / "mosquitto"


@needs_openssl
@pytest.mark.parametrize(
    "file", [EXAMPLES / "mosquitto.conf", MOSQUITTO / "emotion-edge.conf"], ids=lambda file: file.name
)
def test_mosquitto_takes_its_file_beside_debian_s_own(file: Path, tmp_path: Path) -> None:
    authority, port = Authority(tmp_path), free_port()
    authority.sign("broker")
    folder = tmp_path / "mosquitto"
    (folder / "conf.d").mkdir(parents=True)
    for source, name in (("ca.pem", "ca.crt"), ("broker.pem", "broker.crt"), ("broker.key", "broker.key")):
        (tmp_path / source).rename(folder / name)
    shutil.copy(MOSQUITTO / "emotion-edge.acl", folder)
    subprocess.run([find("mosquitto_passwd"), "-b", "-c", folder / "passwords", "consumer", "consumer"], check=True)
    text = file.read_text(encoding="utf-8").replace("/etc/mosquitto", str(folder))
    text = text.replace("listener 8883", f"listener {port} {HOST}")
    (folder / "conf.d" / "emotion-edge.conf").write_text(text, encoding="utf-8")
    # Debian's mosquitto.conf: persistence and its location, as the tests' broker has them, and these lines.
    debian = [f"pid_file {tmp_path / 'mosquitto.pid'}", f"include_dir {folder / 'conf.d'}"]
    with Mosquitto(tmp_path, persistence=True, options=debian) as broker:
        Subscriber(broker.port, user="consumer", password="consumer").close()  # noqa: S106
        trust = ssl.create_default_context(cafile=folder / "ca.crt")
        with socket.create_connection((HOST, port)) as plain, trust.wrap_socket(plain, server_hostname=HOST) as secure:
            assert secure.version()
        assert ": Error" not in broker.log


def test_haproxy_takes_its_file(tmp_path: Path) -> None:
    try:
        program = find("haproxy")
    except FileNotFoundError:
        pytest.skip("haproxy is not installed")
    # Names of the example's machines, which are not known here, and files, which the user may not have so many of.
    text = (EXAMPLES / "haproxy.cfg").read_text(encoding="utf-8").replace("maxconn 40000", "maxconn 100")
    for number in (1, 2, 3):
        text = text.replace(f" rabbit-{number}:", " 127.0.0.1:")
    config = tmp_path / "haproxy.cfg"
    config.write_text(text, encoding="utf-8")
    answer = subprocess.run([program, "-c", "-f", str(config)], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_rabbitmq_lets_a_device_touch_its_own_topics_alone() -> None:
    text = (EXAMPLES / "rabbitmq-tls.conf").read_text(encoding="utf-8")
    write, read = re.findall(r"^#     '(\^\(emotion.+)'", text, re.MULTILINE)
    kitchen, hall = Topics("emotion-edge", "kitchen"), Topics("emotion-edge", "hall")
    home, other = (HomeAssistantTopics("homeassistant", object_id(device.root)) for device in (kitchen, hall))
    outgoing = {topic for topic in kitchen.named.values() if not isinstance(topic, Inbound)} | {home.config}
    for pattern, allowed in ((write, outgoing), (read, {*kitchen.commands, home.config, home.status})):
        assert all(re.search(pattern, topic.replace("/", ".")) for topic in allowed)
        assert not any(re.search(pattern, topic.replace("/", ".")) for topic in (*hall.named.values(), other.config))


def test_telegraf_shares_the_queue_of_the_play_and_reads_what_an_event_has() -> None:
    """Telegraf is not at hand: this checks what it is told, not that it obeys."""
    config = tomllib.loads((EXAMPLES / "telegraf.conf").read_text(encoding="utf-8"))
    (queue,) = config["inputs"]["amqp_consumer"]
    topic = Topics("emotion-edge", "+").event
    assert queue["binding_key"] == topic.replace("/", ".").replace("+", "*")
    assert (queue["exchange"], queue["queue"]) == ("amq.topic", QUEUE)
    assert queue["queue_arguments"] == {"x-queue-type": "quorum"}
    # Strings there came with https://github.com/influxdata/telegraf/pull/17121.
    assert "Telegraf 1.35 or newer" in (EXAMPLES / "telegraf.conf").read_text(encoding="utf-8")
    (content,) = queue["json_v2"]
    example = json.loads(event(0, type="gone", device="hall", session="S", face=1, size=72).to_json())
    for path, optional in _paths(content):
        assert optional or _has(example, path), path
    lone = tomllib.loads((EXAMPLES.parent / "telegraf.conf").read_text(encoding="utf-8"))
    assert config["agent"]["omit_hostname"]
    assert lone["agent"]["omit_hostname"]
    assert content == lone["inputs"]["mqtt_consumer"][0]["json_v2"][0]  # the same points, however they come


def _paths(content: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    yield content["timestamp_path"], False
    for one in (*content["tag"], *content["field"]):
        yield one["path"], one.get("optional", False)


def _has(example: Any, path: str) -> bool:
    for key in path.split("."):
        if key not in example:
            return False
        example = example[key]
    return True
