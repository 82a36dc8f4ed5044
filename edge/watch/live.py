"""Listen to a broker and keep the board up to date."""

from __future__ import annotations

import json
import logging
import queue
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console
from rich.live import Live

from edge.errors import ConfigError
from edge.mqtt.login import credentials
from edge.mqtt.topics import Topics
from edge.watch.board import Board

if TYPE_CHECKING:
    import threading

    from paho.mqtt.reasoncodes import ReasonCode

    from edge.config import MqttConfig

log = logging.getLogger(__name__)

_REDRAW_S = 0.25


def watch(config: MqttConfig, device: str, stop: threading.Event, printer: TextIO | None = None) -> None:
    """Show what devices publish until `stop` is set.

    Args:
        config: Where the broker is.
        device: One device's name, or ``+`` for all.
        stop: Ends the view.
        printer: Where to print each message as one line of JSON, instead of showing a table.

    Raises:
        ConfigError: The address names no broker on the network, or a password or certificate cannot be read.
    """
    heard = _listen(config, device)
    if printer:
        _print_lines(heard, stop, printer)
        return
    board = Board(config.base_topic)
    with Live(console=Console(), auto_refresh=False) as live:
        while not stop.is_set():
            for topic, payload in _take(heard):
                board.hear(topic, payload)
            live.update(board.table(datetime.now(UTC)), refresh=True)


def _print_lines(heard: queue.Queue[tuple[str, bytes]], stop: threading.Event, printer: TextIO) -> None:
    while not stop.is_set():
        for topic, payload in _take(heard):
            text = payload.decode(errors="replace")
            try:
                content = json.loads(text)
            except ValueError:
                content = text  # availability is a bare word
            print(json.dumps({"topic": topic, "payload": content}, ensure_ascii=False), file=printer, flush=True)


def _take(heard: queue.Queue[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Wait for a message, then take all that wait."""
    try:
        taken = [heard.get(timeout=_REDRAW_S)]
    except queue.Empty:
        return []
    while not heard.empty():
        taken.append(heard.get_nowait())
    return taken


def _listen(config: MqttConfig, device: str) -> queue.Queue[tuple[str, bytes]]:
    broker = config.broker
    if broker.kind == "embedded":  # on its first port, where nothing else is there
        broker = replace(broker, kind="network")
    if broker.kind != "network":
        message = f"{config.url}: there is nothing to watch; write --broker mqtt://host"
        raise ConfigError(message)
    heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
    # 3.1.1 is spoken by every broker, the embedded one too, and a listener needs no more.
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    password, tls = credentials(config)
    if broker.user:
        client.username_pw_set(broker.user, password)
    if tls:
        client.tls_set_context(tls)
    said: set[str] = set()

    def connected(_client: paho.Client, _data: Any, _flags: Any, code: ReasonCode, _extra: Any) -> None:
        if code.is_failure:
            if str(code) not in said:
                said.add(str(code))
                log.warning("%s refuses: %s; trying again", broker, str(code).lower())
            return
        client.subscribe(f"{Topics(config.base_topic, device).root}/#", qos=1)

    def failed(_client: paho.Client, _data: Any) -> None:
        if "unreachable" not in said:
            said.add("unreachable")
            log.warning("cannot reach %s; trying again", broker)

    client.on_connect = connected
    client.on_connect_fail = failed
    client.on_message = lambda _client, _data, message: heard.put((message.topic, bytes(message.payload)))
    client.reconnect_delay_set(1, 30)
    client.connect_async(broker.host, broker.port, keepalive=30)
    client.loop_start()
    return heard
