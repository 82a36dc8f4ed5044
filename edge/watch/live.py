"""Subscribe to a broker, keep the fleet up to date, and show, print and record what is received."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self, TextIO

from pydantic_core import from_json
from rich.live import Live

from edge.console import PipeConsole
from edge.watch.fleet import Fleet
from edge.watch.frame_record import FrameRecorder
from edge.watch.record import Recorder
from edge.watch.subscriber import Subscriber
from edge.watch.view import Screen, draw

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from edge.config import MqttConfig
    from edge.watch.fleet import Message
    from edge.watch.plot_file import PlotFile

_REDRAW_S = 0.25
_IDLE_RATIO = 9
"""Idle time after each drawing, in times the drawing itself took: a hundred devices must not keep a Pi busy."""


@dataclass(frozen=True)
class WatchOptions:
    """What to do with what is received."""

    printer: TextIO | None = None
    """Where each message is printed as one line of JSON, instead of the table."""

    record: Path | None = None
    """CSV file that gets a row for each event, or with `frames` for each face of each frame."""

    plot: PlotFile | None = None
    """The plot to write at the end."""

    window: timedelta = timedelta(minutes=3)
    """How much time the timelines show, once so much is known."""

    frames: bool = False
    """Whether frames are recorded, and not events."""


def watch(config: MqttConfig, device: str, stop: threading.Event, options: WatchOptions | None = None) -> None:
    """Show what devices publish until `stop` is set.

    Args:
        config: Where the broker is.
        device: One device's name, or ``+`` for all.
        stop: Ends it.
        options: What to do; the table alone by default.

    Raises:
        ConfigError: The address names no broker on the network, or a password or certificate cannot be read.
        OutputError: The record or the plot cannot be written.
    """
    options = options or WatchOptions()
    fleet, screen = Fleet(config.base_topic), PipeConsole()
    shown = screen.is_terminal and not options.printer
    with ExitStack() as cleanup:
        recorder = _recorder(options)
        if recorder:
            cleanup.enter_context(recorder)
        # A log line would break the table, which has a place of its own for the problem.
        subscriber = cleanup.enter_context(Subscriber(config, device, silent=shown and sys.stderr.isatty()))
        if options.plot:
            cleanup.callback(lambda plot: plot.write(fleet.timelines, datetime.now(UTC)), options.plot)
        with _LiveTable(fleet, subscriber, options, screen) if shown else nullcontext() as table:
            while not stop.is_set():
                if not options.plot:
                    fleet.prune(datetime.now(UTC) - options.window)
                _dispatch(subscriber.take(table.wait_s if table else _REDRAW_S), fleet, recorder, options.printer)
                if table:
                    table.draw()
        subscriber.close()
        _dispatch(subscriber.take(0), fleet, recorder, options.printer)
    if not options.printer:
        screen.print(draw(fleet, *_now(screen, options, height=None), subscriber.problem))


class _LiveTable:
    """Draws the fleet on the whole terminal, as often as it may."""

    def __init__(self, fleet: Fleet, subscriber: Subscriber, options: WatchOptions, screen: PipeConsole) -> None:
        self._fleet, self._subscriber, self._options, self._screen = fleet, subscriber, options, screen
        self._live = Live(console=screen, screen=True, auto_refresh=False)
        self._due_s = 0.0

    @property
    def wait_s(self) -> float:
        """Seconds until the next drawing."""
        return max(0.001, self._due_s - time.monotonic())

    def draw(self) -> None:
        """Draw if it is time."""
        began_s = time.monotonic()
        if began_s < self._due_s:
            return
        now, screen = _now(self._screen, self._options, height=self._screen.height)
        self._live.update(draw(self._fleet, now, screen, self._subscriber.problem), refresh=True)
        ended_s = time.monotonic()
        self._due_s = ended_s + max(_REDRAW_S, _IDLE_RATIO * (ended_s - began_s))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def _now(console: PipeConsole, options: WatchOptions, *, height: int | None) -> tuple[datetime, Screen]:
    """Return the time in the reader's time zone, and the size of the terminal."""
    # NO_COLOR removes the colours, not the styles: then letters stand for the emotions.
    colours = console.color_system is not None and not console.no_color
    return datetime.now(UTC).astimezone(), Screen(console.width, height, colours, options.window)


def _recorder(options: WatchOptions) -> Recorder | FrameRecorder | None:
    if options.record is None:
        return None
    return FrameRecorder(options.record) if options.frames else Recorder(options.record)


def _dispatch(
    messages: list[Message], fleet: Fleet, recorder: Recorder | FrameRecorder | None, printer: TextIO | None
) -> None:
    for message in messages:
        event = fleet.receive(message)
        if isinstance(recorder, FrameRecorder):
            recorder.receive(message)
        elif event and recorder:
            recorder.write(event)
        if printer:
            _print(message, printer)


def _print(message: Message, printer: TextIO) -> None:
    try:
        line = _line(message.topic, from_json(message.payload))  # which refuses deep nesting by itself
    except ValueError:  # availability is a bare word, and anybody may publish what is no JSON
        line = _line(message.topic, message.payload.decode(errors="replace"))
    print(line, file=printer, flush=True)


def _line(topic: str, payload: object) -> str:
    """Return a line of JSON in which others' characters cannot control a terminal."""
    line = json.dumps({"topic": topic, "payload": payload}, ensure_ascii=False, allow_nan=False)
    return "".join(part if part.isprintable() else json.dumps(part)[1:-1] for part in line)
