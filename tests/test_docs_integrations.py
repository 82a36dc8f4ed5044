"""What docs/ and examples/ give to other programs is tried: in their format, or at a real broker."""

from __future__ import annotations

import ast
import contextlib
import json
import re
import threading
import tomllib
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
import yaml  # type: ignore[import-untyped]
from paho.mqtt.enums import CallbackAPIVersion

from edge.config import HookConfig, Settings
from edge.mqtt import Topics
from edge.mqtt.client_id import object_id
from edge.mqtt.discovery import Announcement, discovery
from edge.wire.topics import HomeAssistantTopics, Inbound
from tests.broker import HOST, Mosquitto, Subscriber, wait_until
from tests.pages import DOCS, EXAMPLES, PAYLOAD_EXAMPLES, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INTEGRATIONS = (DOCS / "integrations.md").read_text(encoding="utf-8")
FLEET = (DOCS / "fleet.md").read_text(encoding="utf-8")
HOME = (DOCS / "home-assistant.md").read_text(encoding="utf-8")
KITCHEN = Topics("emotion-edge", "kitchen")
HALL = Topics("emotion-edge", "hall")
EVERY = Topics("emotion-edge", "+")
CONFIG, HALL_CONFIG = (HomeAssistantTopics("homeassistant", object_id(each.root)).config for each in (KITCHEN, HALL))


def test_the_automations_name_entities_and_topics_that_exist() -> None:
    announced = discovery(KITCHEN, Announcement(["happy"], 30, 30))["components"]
    entities = {
        f"{entity['platform']}.kitchen_{entity['name'].lower().replace(' ', '_')}"
        for entity in announced.values()
        if "name" in entity
    }
    found = [yaml.safe_load(text) for _, text in blocks("yaml", HOME)]
    assert yaml.safe_load((EXAMPLES / "home-assistant" / "automations.yaml").read_text("utf-8")) == found
    assert len(found) == 2
    for automation in found:
        assert {"alias", "triggers", "actions"} <= automation.keys()
        for part in [*automation["triggers"], *automation.get("conditions", [])]:
            if "entity_id" in part:
                assert part["entity_id"] in entities
            else:
                assert part["topic"] == KITCHEN.event


def test_the_node_red_flow_is_whole() -> None:
    flow = json.loads((EXAMPLES / "node-red.json").read_text(encoding="utf-8"))
    nodes = {node["id"]: node for node in flow}
    assert len(nodes) == len(flow)
    tabs = [node["id"] for node in flow if node["type"] == "tab"]
    for node in flow:
        assert node["type"] in ("tab", "mqtt-broker") or node["z"] in tabs
        assert {target for output in node.get("wires", []) for target in output} <= nodes.keys()
    (listens,) = (node for node in flow if node["type"] == "mqtt in")
    assert (listens["topic"], listens["qos"], listens["datatype"]) == (EVERY.event, "1", "json")
    broker = nodes[listens["broker"]]
    assert (broker["type"], broker["cleansession"]) == ("mqtt-broker", False)
    assert broker["clientid"]


def test_telegraf_reads_keys_that_are_there() -> None:
    telegraf = tomllib.loads((EXAMPLES / "telegraf.conf").read_text("utf-8"))
    inputs = telegraf["inputs"]["mqtt_consumer"]
    assert [source["topics"] for source in inputs] == [[EVERY.event], [EVERY.health], [EVERY.summary]]
    assert inputs[0]["qos"] == 1
    assert inputs[0]["persistent_session"]
    assert inputs[0]["client_id"]
    for source, kind in zip(inputs, ("event", "health", "summary"), strict=True):
        payloads = [json.loads(text) for page, name, text in PAYLOAD_EXAMPLES if (page, name) == ("mqtt.md", kind)]
        (parser,) = source["json_v2"]
        for entry in [*parser["tag"], *parser.get("field", []), *parser.get("object", [])]:
            found = [reach(payload, entry["path"]) for payload in payloads]
            assert any(value is not None for value in found), entry["path"]
            assert entry.get("optional") or None not in found, entry["path"]


def test_grafana_draws_what_telegraf_writes() -> None:
    dashboard = json.loads((EXAMPLES / "grafana.json").read_text("utf-8"))
    telegraf = tomllib.loads((EXAMPLES / "telegraf.conf").read_text("utf-8"))
    (parser,) = telegraf["inputs"]["mqtt_consumer"][2]["json_v2"]
    (payload,) = (json.loads(text) for _, name, text in PAYLOAD_EXAMPLES if name == "summary")
    fields = set()
    for entry in parser["object"]:
        for key, value in (reach(payload, entry["path"]) or {}).items():
            # Telegraf puts an object's key before those in it.
            fields |= {f"{key}_{inner}" for inner in value} if isinstance(value, dict) else {key}
        assert entry["timestamp_key"] in fields
    (output,) = telegraf["outputs"]["influxdb_v2"]
    (source,) = dashboard["__inputs"]
    (device,) = dashboard["templating"]["list"]
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 5
    assert "device" in {tag["path"] for tag in parser["tag"]}
    for panel in [*panels, {"targets": [device]}]:
        (target,) = panel["targets"]
        assert target["datasource"]["uid"] == f"${{{source['name']}}}"
        assert f'bucket: "{output["bucket"]}"' in target["query"]
    for panel in panels:
        query = panel["targets"][0]["query"]
        assert f'r._measurement == "{parser["measurement_name"]}" and r.device == "${{{device["name"]}}}"' in query
        exact, pattern = re.findall(r'r\._field == "(.+?)"', query), re.findall(r"r\._field =~ /(.+?)/", query)
        assert len(exact) + len(pattern) == 1
        assert set(exact) <= fields
        assert all(any(re.search(each, field) for field in fields) for each in pattern)
    places = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 24


def reach(payload: dict[str, Any], path: str) -> Any:
    value: Any = payload
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def test_the_device_s_settings_are_right() -> None:
    (text,) = (text for _, text in blocks("toml", INTEGRATIONS))
    settings = Settings.model_validate(tomllib.loads(text))
    assert settings.mqtt.broker.tls
    assert settings.mqtt.broker.user == settings.mqtt.device  # as the ACL wants it


def test_the_lsl_settings_are_ones_that_the_configuration_takes() -> None:
    ((_, text),) = blocks("toml lsl", (DOCS / "lsl.md").read_text("utf-8"))
    assert Settings.model_validate(tomllib.loads(text)).lsl.enabled


def test_the_hooks_are_ones_that_the_configuration_takes() -> None:
    ((_, text),) = blocks("toml hooks", (DOCS / "hooks.md").read_text("utf-8"))
    settings = Settings.model_validate(tomllib.loads(text))
    assert [hook.on for hook in settings.hooks] == ["changed", "gone"]
    page = (DOCS / "hooks.md").read_text("utf-8")
    assert "systemctl restart" in page[page.index("## An LED") :]  # a reload gives the service no pins
    described = ast.get_docstring(ast.parse((EXAMPLES / "hooks" / "led.py").read_text("utf-8"))) or ""
    (written,) = tomllib.loads(described[described.index("[[hooks]]") : described.index("Needs")])["hooks"]
    assert HookConfig.model_validate(written) == settings.hooks[0]


@contextlib.contextmanager
def signed_in(port: int, user: str) -> Iterator[paho.Client]:
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.username_pw_set(user, user)
    ready = threading.Event()
    client.on_connect = lambda *_: ready.set()
    client.connect(HOST, port)
    client.loop_start()
    assert ready.wait(5)
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def may_publish(port: int, user: str, topics: list[str]) -> dict[str, bool]:
    """Ask the broker, by its answer to a publish with QoS 1."""
    answers: dict[int, bool] = {}
    with signed_in(port, user) as client:
        client.on_publish = lambda _client, _data, mid, code, _extra: answers.update({mid: not code.is_failure})
        mids = {topic: client.publish(topic, "", qos=1).mid for topic in topics}
        wait_until(lambda: len(answers) == len(topics))
    return {topic: answers[mid] for topic, mid in mids.items()}


def controlled(rules: str, folder: Path, *options: str) -> Mosquitto:
    """Return a broker with an access list, whose users have their names as passwords."""
    folder.mkdir(exist_ok=True)
    file = folder / "acl"
    file.write_text(rules, encoding="utf-8")
    file.chmod(0o600)
    users = {name: name for name in ("kitchen", "consumer", "homeassistant", "site-a")}
    return Mosquitto(folder, users=users, options=[f"acl_file {file}", *options])


def test_the_acl_lets_a_device_speak_for_itself_alone(tmp_path: Path) -> None:
    (rules, _) = (text for _, text in blocks("acl", INTEGRATIONS))
    assert (EXAMPLES / "mosquitto" / "emotion-edge.acl").read_text("utf-8").endswith(rules)
    with controlled(rules, tmp_path) as broker:
        own = [topic for topic in KITCHEN.named.values() if not isinstance(topic, Inbound)]
        assert all(may_publish(broker.port, "kitchen", [*own, CONFIG]).values())
        assert not any(may_publish(broker.port, "kitchen", [HALL.event, HALL.availability, HALL_CONFIG]).values())
        assert not any(may_publish(broker.port, "consumer", [KITCHEN.event, KITCHEN.detection_set, CONFIG]).values())
        assert all(may_publish(broker.port, "homeassistant", [KITCHEN.detection_set, HALL.request_health]).values())
        assert not any(may_publish(broker.port, "homeassistant", [KITCHEN.event]).values())
        with contextlib.closing(Subscriber(broker.port, user="kitchen", password="kitchen")) as device:  # noqa: S106
            with signed_in(broker.port, "homeassistant") as home:
                for topic in (HALL.detection_set, KITCHEN.detection_set):
                    home.publish(topic, "ON", qos=1).wait_for_publish(5)
            wait_until(lambda: device.payloads(KITCHEN.detection_set) == ["ON"])
            assert not device.payloads(HALL.detection_set)


def test_the_acl_without_a_line_for_each_device_opens_home_assistant_s_entries_to_all_but_consumer(
    tmp_path: Path,
) -> None:
    rules = "\n".join(text for _, text in blocks("acl", INTEGRATIONS))
    with controlled(rules, tmp_path) as broker:
        assert all(may_publish(broker.port, "kitchen", [CONFIG, HALL_CONFIG]).values())
        assert not any(may_publish(broker.port, "consumer", [CONFIG, HALL_CONFIG]).values())


def test_a_bridge_carries_every_topic_of_its_devices_to_the_centre_and_the_switch_back(tmp_path: Path) -> None:
    rules = (EXAMPLES / "mosquitto" / "emotion-edge.acl").read_text("utf-8")
    (bridge,) = (text for _, text in blocks("ini", FLEET) if "connection centre" in text)
    ((_, more),) = blocks("acl", FLEET)
    switches = "user homeassistant\ntopic write +/emotion-edge/+/detection/set\n"
    stay = {KITCHEN.frame, KITCHEN.response_health}
    own = [topic for topic in KITCHEN.named.values() if not isinstance(topic, Inbound)]
    with controlled(f"{rules}\n{more}\n{switches}", tmp_path / "centre") as centre:
        lines = bridge.replace("broker.example.org:8883", f"{HOST}:{centre.port}").replace("SECRET", "site-a")
        options = [line for line in lines.splitlines() if not line.startswith("bridge_cafile")]
        with (
            controlled(rules, tmp_path / "site", *options) as site,
            contextlib.closing(Subscriber(centre.port, user="consumer", password="consumer")) as consumer,  # noqa: S106
            contextlib.closing(Subscriber(site.port, user="kitchen", password="kitchen")) as device,  # noqa: S106
        ):
            wait_until(lambda: re.search(r"Received SUBSCRIBE from \S+\.centre\n", centre.log))
            with signed_in(site.port, "kitchen") as client:
                for topic in sorted(own, key=lambda topic: topic not in stay):
                    client.publish(topic, "{}", topic.qos, topic.retained).wait_for_publish(5)
            carried = {f"site-a/{topic}" for topic in own if topic not in stay}
            wait_until(lambda: {message.topic for message in consumer.messages} >= carried)
            assert {message.topic for message in consumer.messages} == carried
            assert all(may_publish(centre.port, "homeassistant", [f"site-a/{KITCHEN.detection_set}"]).values())
            wait_until(lambda: device.payloads(KITCHEN.detection_set))


def test_telegraf_at_the_centre_has_the_site_as_a_tag() -> None:
    ((_, text),) = blocks("toml telegraf", FLEET)
    (source,) = tomllib.loads(text)["inputs"]["mqtt_consumer"]
    (parsing,) = source["topic_parsing"]
    assert source["topics"] == [parsing["topic"]] == [f"+/{EVERY.event}"]
    assert parsing["tags"] == "site/_/_/_"
