"""Print the events of every device, each once, and report gaps within a session, as long as this program runs.

Needs paho-mqtt 2: ``.venv/bin/pip install 'paho-mqtt>=2'``, then
``.venv/bin/python examples/subscribe_paho.py HOST [PORT]``.
"""

import json
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

SESSIONS = 1000
"""Sessions that are remembered; each start of a device begins one."""

last: dict[tuple[str, str], int] = {}
"""The newest sequence of each device and session; the one that was heard last is at the end."""


def on_connect(client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _more: object) -> None:
    """Subscribe with QoS 1, so that the broker repeats what was not acknowledged."""
    if code.is_failure:
        print(f"the broker refuses: {code}; trying again", file=sys.stderr)
        return
    client.subscribe("emotion-edge/+/event", qos=1)


def on_connect_fail(_client: mqtt.Client, _data: object) -> None:
    """Say that the broker is away."""
    print(f"cannot reach the broker: {sys.exc_info()[1]}; trying again", file=sys.stderr)


def on_message(_client: mqtt.Client | None, _data: object, message: mqtt.MQTTMessage) -> None:
    """Print one event, unless it is a duplicate. Anybody may publish something that is no event: that is skipped."""
    try:
        event = json.loads(message.payload)
        session, sequence = (event["device"], event["session"]), event["sequence"]
        text = f"{event['captured_at']} {event['device']} {event['type']} {event['emotion']}"
        newest = last.pop(session, sequence - 1)
    except (KeyError, RecursionError, TypeError, ValueError):
        print(f"{message.topic}: not an event", file=sys.stderr)
        return
    last[session] = max(sequence, newest)
    if len(last) > SESSIONS:
        del last[next(iter(last))]
    if sequence > newest + 1:
        print(f"{event['device']}: {sequence - newest - 1} events are missing", file=sys.stderr)
    if sequence > newest:
        print(text, flush=True)


def main(host: str, port: int = 1883) -> None:
    """Subscribe until Ctrl-C."""
    # A fixed client id and a persistent session: the broker keeps events while this program is away.
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="emotion-edge-example-paho", clean_session=False)
    client.on_connect = on_connect
    client.on_connect_fail = on_connect_fail
    client.on_message = on_message
    client.connect_async(host, port)
    client.loop_forever(retry_first_connection=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
