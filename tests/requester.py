"""A requester of MQTT 5 (section 4.10): it asks a device, and waits for the response."""

from __future__ import annotations

import queue

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

HOST = "127.0.0.1"
RESPONSES = "emotion-edge/requester/responses"


class Requester:
    """Publishes, and waits for answers on a topic of its own."""

    def __init__(self, port: int) -> None:
        self._answers: queue.SimpleQueue[paho.MQTTMessage] = queue.SimpleQueue()
        ready: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe(RESPONSES, qos=1)
        self._client.on_subscribe = lambda *_: ready.put(None)
        self._client.on_message = lambda _client, _data, message: self._answers.put(message)
        self._client.connect(HOST, port)
        self._client.loop_start()
        ready.get(timeout=30)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)

    def send(self, topic: str, payload: bytes) -> None:
        """Publish without waiting."""
        self._client.publish(topic, payload, qos=1)

    def ask(self, topic: str, correlation: bytes, response_topic: str = RESPONSES) -> tuple[bytes, bytes]:
        """Return the answer and its correlation data."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ResponseTopic = response_topic
        properties.CorrelationData = correlation
        self._client.publish(topic, b"", qos=1, properties=properties)
        answer = self._answers.get(timeout=30)
        return bytes(answer.payload), getattr(answer.properties, "CorrelationData", b"")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
