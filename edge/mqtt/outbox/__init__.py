"""Store and forward: an event waits here, on disk if it takes long, until the broker has acknowledged it."""

from edge.mqtt.outbox.destination import destination
from edge.mqtt.outbox.entry import WINDOW, Entry, OutboxStatus
from edge.mqtt.outbox.outbox import Outbox

__all__ = ["WINDOW", "Entry", "Outbox", "OutboxStatus", "destination"]
