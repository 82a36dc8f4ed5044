"""The wire: what happens is published, and waits while the broker is away."""

from edge.mqtt.client import MqttClient
from edge.mqtt.embedded import EmbeddedBroker
from edge.mqtt.outbox import Outbox
from edge.mqtt.pace import Pace
from edge.mqtt.spill import Spill
from edge.mqtt.topics import Topics

__all__ = ["EmbeddedBroker", "MqttClient", "Outbox", "Pace", "Spill", "Topics"]
