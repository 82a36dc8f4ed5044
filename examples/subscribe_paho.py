"""Print every event of every device once, and report events that never came.

Needs paho-mqtt 2: ``pip install 'paho-mqtt>=2'``, then ``python subscribe_paho.py HOST [PORT]``.
"""

import json
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

last: dict[tuple[str, str], int] = {}
"""The newest sequence of each device and session."""


def on_connect(client: mqtt.Client, *_: object) -> None:
    """Subscribe with QoS 1, so that the broker repeats what was not acknowledged."""
    client.subscribe("emotion-edge/+/event", qos=1)


def on_message(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
    """Print one event, unless it is a duplicate."""
    event = json.loads(message.payload)
    session = event["device"], event["session"]
    newest = last.get(session)
    if newest is not None and event["sequence"] <= newest:
        return
    if newest is not None and event["sequence"] > newest + 1:
        print(f"{event['device']}: {event['sequence'] - newest - 1} events are missing", file=sys.stderr)
    last[session] = event["sequence"]
    print(event["captured_at"], event["device"], event["type"], event["emotion"], flush=True)


def main(host: str, port: int = 1883) -> None:
    """Subscribe until Ctrl-C."""
    # A fixed client id and a persistent session: the broker keeps events while this program is away.
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="emotion-edge-example-paho", clean_session=False)
    client.on_connect = on_connect
    client.on_message = on_message
    client.connect(host, port)
    client.loop_forever()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
