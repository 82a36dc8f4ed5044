"""Listen to a broker, keep the board up to date, and hand on what was heard."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self, TextIO

from rich.console import Console
from rich.live import Live

from edge.watch.board import Board
from edge.watch.listen import Listener
from edge.watch.record import Recorder
from edge.watch.view import Screen, draw

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from edge.config import MqttConfig
    from edge.watch.board import Message
    from edge.watch.picture import Picture

_REDRAW_S = 0.25
_LEISURE = 9
"""Between two drawings pass as many times a drawing's own: a hundred devices must not keep a Pi busy."""


@dataclass(frozen=True)
class WatchOptions:
    """What to do with what is heard."""

    printer: TextIO | None = None
    """Where to print each message as one line of JSON, instead of showing a table."""

    record: Path | None = None
    """CSV file that gets a row for each event."""

    picture: Picture | None = None
    """What to draw at the end."""

    window: timedelta = timedelta(minutes=3)
    """What the timelines show."""


def watch(config: MqttConfig, device: str, stop: threading.Event, wishes: WatchOptions | None = None) -> None:
    """Show what devices publish until `stop` is set.

    Args:
        config: Where the broker is.
        device: One device's name, or ``+`` for all.
        stop: Ends the view.
        wishes: What else to do; a table alone unless said.

    Raises:
        ConfigError: The address names no broker on the network, or a password or certificate cannot be read.
        OutputError: The record or the picture cannot be written.
    """
    wishes = wishes or WatchOptions()
    board, screen = Board(config.base_topic), Console()
    shown = screen.is_terminal and not wishes.printer
    with ExitStack() as cleanup:
        recorder = cleanup.enter_context(Recorder(wishes.record)) if wishes.record else None
        # A log line would fall into the table, which has a place of its own for trouble.
        listener = cleanup.enter_context(Listener(config, device, silent=shown and sys.stderr.isatty()))
        if wishes.picture:
            cleanup.callback(lambda picture: picture.write(board.timelines, datetime.now(UTC)), wishes.picture)
        with _Painter(board, listener, wishes, screen) if shown else nullcontext() as painter:
            while not stop.is_set():
                if not wishes.picture:
                    board.forget(datetime.now(UTC) - wishes.window)
                _hand_on(listener.take(painter.wait_s if painter else _REDRAW_S), board, recorder, wishes.printer)
                if painter:
                    painter.paint()
        listener.close()
        _hand_on(listener.take(0), board, recorder, wishes.printer)
    if not wishes.printer:
        screen.print(draw(board, *_now(screen, wishes, height=None), listener.trouble))


class _Painter:
    """Draws the board on the whole terminal, often enough and not more often."""

    def __init__(self, board: Board, listener: Listener, wishes: WatchOptions, screen: Console) -> None:
        self._board, self._listener, self._wishes, self._screen = board, listener, wishes, screen
        self._live = Live(console=screen, screen=True, auto_refresh=False)
        self._due_s = 0.0

    @property
    def wait_s(self) -> float:
        """How long nothing has to be drawn."""
        return max(0.001, self._due_s - time.monotonic())

    def paint(self) -> None:
        """Draw, where it is time."""
        began_s = time.monotonic()
        if began_s < self._due_s:
            return
        now, screen = _now(self._screen, self._wishes, height=self._screen.height)
        self._live.update(draw(self._board, now, screen, self._listener.trouble), refresh=True)
        ended_s = time.monotonic()
        self._due_s = ended_s + max(_REDRAW_S, _LEISURE * (ended_s - began_s))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def _now(console: Console, wishes: WatchOptions, *, height: int | None) -> tuple[datetime, Screen]:
    """Give the time where the reader lives, and what there is to draw on."""
    # NO_COLOR takes the colours away, not the styles: letters have to tell the emotions then.
    colours = console.color_system is not None and not console.no_color
    return datetime.now(UTC).astimezone(), Screen(console.width, height, colours, wishes.window)


def _hand_on(messages: list[Message], board: Board, recorder: Recorder | None, printer: TextIO | None) -> None:
    for message in messages:
        event = board.hear(message)
        if event and recorder:
            recorder.write(event)
        if printer:
            _print(message, printer)


def _print(message: Message, printer: TextIO) -> None:
    text = message.payload.decode(errors="replace")
    try:
        content = json.loads(text)
    except ValueError:
        content = text  # availability is a bare word
    print(json.dumps({"topic": message.topic, "payload": content}, ensure_ascii=False), file=printer, flush=True)
