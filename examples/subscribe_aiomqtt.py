"""Print the emotion of the largest face of each device, as it changes.

Needs aiomqtt 2: ``pip install 'aiomqtt>=2'``, then ``python subscribe_aiomqtt.py HOST [PORT]``.
"""

import asyncio
import json
import sys

import aiomqtt


async def main(host: str, port: int = 1883) -> None:
    """Subscribe to the retained states: the newest one of each device comes at once."""
    emotions: dict[str, str | None] = {}
    async with aiomqtt.Client(host, port) as client:
        await client.subscribe("emotion-edge/+/state", qos=1)
        async for message in client.messages:
            state = json.loads(bytes(message.payload))
            if state["emotion"] != emotions.get(state["device"], ""):
                emotions[state["device"]] = state["emotion"]
                print(state["captured_at"], state["device"], state["emotion"] or "nobody", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:3])))
