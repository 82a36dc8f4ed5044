"""What the nodes of a cluster keep of a device: RabbitMQ keeps a retained message on the node that took it, alone."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from ulid import ULID

from edge.mqtt import Topics
from tests.broker import HOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.fleet.cluster import Node

_WEEK_S = 7 * 86400
_LOOK_S = 1.0


def leave_traces(port: int, base: str, devices: Iterable[str]) -> None:
    """Have a node keep an `info` of each device as it is after some restarts: from a life before the last one."""
    with _client(port, "traces") as client:
        for device in devices:
            session = str(ULID.from_timestamp(time.time() - _WEEK_S))
            payload = json.dumps({"session": session, "previous_session": None})
            client.publish(Topics(base, device).info, payload, qos=1, retain=True).wait_for_publish(10)


def kept(nodes: Sequence[Node], base: str, device: str) -> tuple[int, int]:
    """Count the nodes that give the newest `info` to who subscribes: to its topic, and with a wildcard for devices."""
    return tuple(  # type: ignore[return-value]  # two topics
        len([node for node in nodes if _gets(node.mqtt_port, topic, Topics(base, device).info)])
        for topic in (Topics(base, device).info, Topics(base, "+").info)
    )


def _gets(port: int, topic: str, expected: str) -> bool:
    """Return whether a new subscriber is sent what a daemon of now has said there."""
    newest = threading.Event()
    with _client(port, "looker") as client:

        def hear(_client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
            if message.topic == expected and message.retain and b'"software"' in message.payload:
                newest.set()

        client.on_message = hear
        client.subscribe(topic, 1)
        return newest.wait(_LOOK_S)


@contextlib.contextmanager
def _client(port: int, name: str) -> Iterator[paho.Client]:
    client = paho.Client(CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv311)
    accepted = threading.Event()
    client.on_connect = lambda *_: accepted.set()
    client.connect(HOST, port)
    client.loop_start()
    try:
        if not accepted.wait(30):
            message = f"the node at port {port} does not answer"
            raise TimeoutError(message)
        yield client
    finally:
        client.disconnect()
        client.loop_stop()
