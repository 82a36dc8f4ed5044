from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.wire import asyncapi
from edge.wire.topics import BASE, HOME_ASSISTANT, HomeAssistantTopics, Topics
from tests.broker import HOST, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.broker import Mosquitto

DOCUMENT = asyncapi.document()
COMMAND = Path(sys.executable).parent / "emotion-edge"


def references(node: object) -> Iterator[str]:
    """Return every $ref in the document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(reference: str) -> Any:
    """Follow a JSON pointer within the document."""
    node: Any = DOCUMENT
    assert reference.startswith("#/")
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def validator(payload: dict[str, Any]) -> jsonschema.Draft7Validator:
    """Return what checks a message's payload; what it refers to lies in the document."""
    return jsonschema.Draft7Validator({**payload, "components": DOCUMENT["components"]})


def test_the_kept_document_is_up_to_date() -> None:
    kept = Path(__file__).parents[3] / "docs" / "asyncapi.json"
    assert kept.read_text(encoding="utf-8") == asyncapi.text(), "run 'make schemas'"


def test_every_topic_is_described_and_every_description_has_its_topic() -> None:
    home = HomeAssistantTopics(HOME_ASSISTANT, "{object_id}")
    addresses = {*Topics(BASE, "{device}").named.values(), home.config, home.status}
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == addresses
    assert "emotion-edge/{device}/event" in addresses


def test_every_reference_resolves() -> None:
    found = list(references(DOCUMENT))
    assert len(found) > 20
    for reference in found:
        assert isinstance(resolve(reference), dict), reference


def test_the_document_has_what_the_specification_requires() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for server in DOCUMENT["servers"].values():
        assert {"host", "protocol"} <= server.keys()
        assert set(re.findall(r"{(\w+)}", server["host"])) == server["variables"].keys()
    for channel in DOCUMENT["channels"].values():
        assert channel["messages"]
        assert set(re.findall(r"{(\w+)}", channel["address"])) == channel.get("parameters", {}).keys()
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
        offered = [f"{operation['channel']['$ref']}/messages/{name}" for name in channel_of(operation)["messages"]]
        assert [message["$ref"] for message in operation["messages"]] == offered
        assert operation["bindings"]["mqtt"].keys() == {"qos", "retain", "bindingVersion"}
    assert {operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values()} == {
        f"#/channels/{name}" for name in DOCUMENT["channels"]
    }
    names = [*DOCUMENT["channels"], *DOCUMENT["operations"]]
    names += [name for part in DOCUMENT["components"].values() for name in part]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in names)


def channel_of(operation: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = resolve(operation["channel"]["$ref"])
    return found


@pytest.mark.parametrize("name", DOCUMENT["components"]["messages"])
def test_every_payload_is_a_schema_that_tools_read(name: str) -> None:
    # Where nothing else is said, AsyncAPI's schemas are draft 7's and a little more.
    jsonschema.Draft7Validator.check_schema(validator(resolve(f"#/components/messages/{name}/payload")).schema)


def test_what_a_live_broker_carries_is_described(tmp_path: Path, mosquitto: Mosquitto) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[mqtt]\ndevice = 'kitchen'\n[health]\nevery_s = 1\n[frames]\nenabled = true\n", encoding="utf-8")
    arguments: list[str | Path] = [COMMAND, "run", "--config", config, "--camera", "testcard"]
    with contextlib.closing(Listener(mosquitto.port)) as listener:
        with subprocess.Popen([*arguments, "--broker", mosquitto.url], stderr=subprocess.DEVNULL) as daemon:
            wait_until(lambda: listener.count("/event") >= 2)
            wait_until(lambda: listener.count("/health") >= 2)
            listener.publish("emotion-edge/kitchen/request/health", "")
            listener.publish("emotion-edge/kitchen/detection/set", "OFF")
            wait_until(lambda: listener.count("/response/health") == 1)
            wait_until(lambda: listener.count("/detection/state") == 2)
            daemon.send_signal(signal.SIGINT)
        wait_until(lambda: listener.heard[-1].payload == b"offline")
    for message in listener.heard:
        name = described_as(message.topic)
        operation = DOCUMENT["operations"][name]
        ours = {"emotion-edge/kitchen/request/health", "emotion-edge/kitchen/detection/set"}
        assert operation["action"] == ("receive" if message.topic in ours else "send"), message.topic
        binding = operation["bindings"]["mqtt"]
        assert (message.qos, message.retain) == (binding["qos"], binding["retain"]), message.topic
        description = DOCUMENT["components"]["messages"][name]
        plain = description.get("contentType") == "text/plain"
        payload = message.payload.decode() if plain else json.loads(message.payload)
        validator(description["payload"]).validate(payload)
    assert {described_as(message.topic) for message in listener.heard} == {
        *Topics(BASE, "+").named,
        "homeassistant_device_config",
    }


def described_as(topic: str) -> str:
    """Return the name of a topic's channel."""
    patterns = {name: re.sub(r"{\w+}", "[^/]+", channel["address"]) for name, channel in DOCUMENT["channels"].items()}
    found: list[str] = [name for name, pattern in patterns.items() if re.fullmatch(pattern, topic)]
    assert len(found) == 1, topic
    return found[0]


class Listener:
    """Hears everything as it was published, retained or not, which a broker does not tell unless it is asked."""

    def __init__(self, port: int) -> None:
        self.heard: list[paho.MQTTMessage] = []
        ready = threading.Event()
        options = SubscribeOptions(qos=2, retainAsPublished=True)
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe("#", options=options)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = lambda _client, _data, message: self.heard.append(message)
        self._client.connect(HOST, port)
        self._client.loop_start()
        assert ready.wait(5)

    def count(self, ending: str) -> int:
        return sum(message.topic.endswith(ending) for message in list(self.heard))

    def publish(self, topic: str, payload: str) -> None:
        self._client.publish(topic, payload, qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
