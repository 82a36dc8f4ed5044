"""Programs that share the fleet's events, as those do that write them into a database."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import pika

from tests.broker import HOST
from tests.fleet.tally import Tally

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

QUEUE = "events"
_AGAIN_S = 1.0
"""Between two attempts to connect."""


class Writers:
    """Some consumers of one quorum queue: each event goes to one of them, and again to another if that one fails.

    RabbitMQ has no shared subscriptions of MQTT. Its MQTT topics are routing keys of the exchange `amq.topic`, with a
    dot for each slash, so that AMQP clients share a queue of what devices publish with MQTT.

    Args:
        port: Where AMQP is spoken.
        base: The devices' base topic.
        count: How many consumers.
    """

    def __init__(self, port: int, base: str, count: int) -> None:
        self.tally = Tally()
        """Of all together, in the order of arrival."""

        self.shares = [0] * count
        """Events that each took."""

        self._address = pika.ConnectionParameters(HOST, port, heartbeat=10, connection_attempts=1)
        self._binding = f"{base}.*.event"
        self._closing = threading.Event()
        with contextlib.closing(pika.BlockingConnection(self._address)) as connection:
            self._prepare(connection.channel())  # before the first event, and while every node is there
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(30)

    def _prepare(self, channel: BlockingChannel) -> None:
        channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(QUEUE, "amq.topic", self._binding)
        channel.basic_qos(prefetch_count=50)

    def _run(self, number: int) -> None:
        while not self._closing.is_set():
            # A node that is killed ends the connection in any state; the next one finds another node.
            with contextlib.suppress(pika.exceptions.AMQPError, OSError):
                self._consume(number)
            self._closing.wait(_AGAIN_S)

    def _consume(self, number: int) -> None:
        def take(channel: BlockingChannel, method: Any, _properties: Any, body: bytes) -> None:
            self.tally.hear(body)
            self.shares[number] += 1
            channel.basic_ack(method.delivery_tag)

        with contextlib.closing(pika.BlockingConnection(self._address)) as connection:
            channel = connection.channel()
            self._prepare(channel)
            channel.basic_consume(QUEUE, take)
            while not self._closing.is_set():
                connection.process_data_events(time_limit=0.2)
