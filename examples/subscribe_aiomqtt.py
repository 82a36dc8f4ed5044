"""Print the emotion of the largest face of each device, as it changes.

Needs aiomqtt 2: ``.venv/bin/pip install 'aiomqtt>=2'``, then
``.venv/bin/python examples/subscribe_aiomqtt.py HOST [PORT]``.
"""

import asyncio
import json
import sys

import aiomqtt

RETRY_S = 1
"""Seconds until the next try, while the broker is away."""

emotions: dict[str, str | None] = {}
"""The last emotion of each device."""


def show(message: aiomqtt.Message) -> None:
    """Print a state, if its emotion is another one. Anybody may publish something that is no state: that is skipped."""
    try:
        state = json.loads(bytes(message.payload))
        device, emotion, captured_at = state["device"], state["emotion"], state["captured_at"]
        changed = emotion != emotions.get(device, "")
    except (KeyError, RecursionError, TypeError, ValueError):
        print(f"{message.topic}: not a state", file=sys.stderr)
        return
    emotions[device] = emotion
    if changed:
        print(captured_at, device, emotion or "nobody", flush=True)


async def main(host: str, port: int = 1883) -> None:
    """Subscribe to the retained states, also after the broker was away: the newest one of each device comes at once."""
    while True:
        try:
            async with aiomqtt.Client(host, port) as client:
                await client.subscribe("emotion-edge/+/state", qos=1)
                async for message in client.messages:
                    show(message)
        except aiomqtt.MqttError as error:
            print(f"{error}; the next try is in {RETRY_S} s", file=sys.stderr)
            await asyncio.sleep(RETRY_S)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:3])))
