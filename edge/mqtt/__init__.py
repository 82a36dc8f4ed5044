"""MQTT: the client, its outbox for a broker that is away, commands, and Home Assistant."""

from edge.mqtt.backoff import Backoff
from edge.mqtt.client import MqttClient
from edge.mqtt.embedded_broker import EmbeddedBroker
from edge.mqtt.outbox import Outbox
from edge.wire.topics import Topics

__all__ = ["Backoff", "EmbeddedBroker", "MqttClient", "Outbox", "Topics"]
