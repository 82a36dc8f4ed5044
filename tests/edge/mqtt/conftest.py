from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import MqttConfig, OutboxConfig
from edge.mqtt import Backoff, MqttClient, Outbox
from tests import payloads
from tests.edge.mqtt.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edge.wire.messages import FaceEvent

QUICK = Backoff(first_s=0.1, most_s=0.3, refused_s=0.1, settled_s=0.0)


@pytest.fixture
def publish_to() -> Iterator[Callable[..., MqttClient]]:
    """Make clients that are closed at the end: `publish_to(url, **settings)`."""
    clients: list[MqttClient] = []

    def make(
        url: str,
        *,
        outbox: Outbox | None = None,
        mqtt5: bool = True,
        refused_s: float = 0.1,
        answer_s: float = 10.0,
        acknowledgement_s: float = 30.0,
        **settings: Any,
    ) -> MqttClient:
        config = MqttConfig(url=url, device="test", **settings)
        backoff = replace(QUICK, refused_s=refused_s, answer_s=answer_s, acknowledgement_s=acknowledgement_s)
        client = MqttClient(config, outbox or Outbox(OutboxConfig()), mqtt5=mqtt5, backoff=backoff)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close(0.3)


@pytest.fixture
def event() -> Callable[[int], FaceEvent]:
    """Make an event of a sequence."""

    def make(sequence: int) -> FaceEvent:
        return payloads.event(
            sequence, type="appeared", device="test", session="01JD0000000000000000000000", face=1, size=72
        )

    return make


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    it = World(tmp_path / "state" / "outbox.sqlite")
    yield it
    it.writer.finish()
