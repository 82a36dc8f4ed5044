"""Put the daemon together, run it, and stop it in good order."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ulid import ULID

from edge.camera.open import open_camera
from edge.camera.source import check_source
from edge.camera.supervisor import CameraSupervisor
from edge.daemon.detection import DetectionSwitch
from edge.daemon.feeds import Feeds
from edge.daemon.loop import Daemon
from edge.daemon.lsl import LslOutlet, NullOutlet
from edge.daemon.payloads import Origin
from edge.daemon.printer import LinePrinter, NullPrinter, Output
from edge.daemon.publisher import Publisher
from edge.daemon.readable import what_next
from edge.daemon.reload import Reloader
from edge.daemon.session import NullSessionRecord, SessionFiles
from edge.errors import CameraError, CameraHangError
from edge.hooks import Hooks
from edge.inference.store import ModelStore
from edge.mqtt.broker_link import connect
from edge.mqtt.client_id import object_id
from edge.mqtt.outbox import Outbox, destination
from edge.preview.preview import NullPreview
from edge.preview.status import CameraView
from edge.redaction import redact_text
from edge.summary import NullSummaryStore, Summary, SummaryFiles
from edge.system import notify
from edge.system.directories import runtime_directory, state_directory
from edge.system.mounts import is_forgotten_at_boot
from edge.system.packages import program
from edge.system.running import DaemonFile
from edge.testcard import device_seed
from edge.wire.topics import Topics

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from edge.config import Settings
    from edge.daemon.lsl import FrameOutlet
    from edge.daemon.printer import Printer
    from edge.daemon.reload import Setup
    from edge.daemon.session import SessionRecord
    from edge.mqtt.broker_link import BrokerLink
    from edge.preview.preview import Preview

log = logging.getLogger(__name__)

_RELEASE_S = 0.3
"""Seconds that the camera, and then the reader of what is printed, have when the daemon stops."""

_READ_ALL_S = 10.0
"""The same for the reader when a clip ended, which is processed faster than some programs read."""

_HOOKS_S = 1.0
"""Seconds that hooks of the last events have, once the client has left: a light may have to go out."""


def run(
    settings: Settings,
    stop: threading.Event,
    print_to: Output | None = None,
    *,
    wait: bool = False,
    read: Callable[[], Settings] | None = None,
    reload_asked: Callable[[], bool] = lambda: False,
) -> None:
    """Run until `stop` is set or the clip ends.

    Args:
        settings: Everything that can be set.
        stop: Set it to stop within 2 s, with ``offline`` published.
        print_to: Where to print every event, as a line each; None: nowhere.
        wait: Whether to wait for a camera that is not there yet.
        read: Reads the settings again; None: they never change.
        reload_asked: Returns whether settings and model are to be read again; called often.

    Raises:
        EdgeError: What only a new process, or the user, can fix; `exit_code` says which kind.
    """
    with ExitStack() as last, ExitStack() as cleanup:
        parts = _build(settings, print_to, cleanup, wait=wait, read=read, reload_asked=reload_asked)
        last.callback(parts.remember_command)  # until the client has left, it acknowledges them
        _serve(parts, stop, cleanup)


@dataclass(frozen=True)
class _Parts:
    """The daemon, and the parts of it that its end has to do with."""

    daemon: Daemon
    supervisor: CameraSupervisor
    publisher: Publisher
    printer: Printer
    record: SessionRecord
    switch: DetectionSwitch
    link: BrokerLink
    hooks: Hooks

    def remember_command(self) -> None:
        """Remember for the next start what detection was turned to, and is not yet, now that the loop has ended."""
        waiting, newest = self.daemon.take_waiting_command(), self.link.take_commands().detection
        on = waiting if newest is None else newest
        if on is not None:
            self.switch.turn(on=on)


def _build(
    settings: Settings,
    print_to: Output | None,
    cleanup: ExitStack,
    *,
    wait: bool,
    read: Callable[[], Settings] | None,
    reload_asked: Callable[[], bool],
) -> _Parts:
    """Return the daemon, put together; `cleanup` closes its parts, the last one first."""
    check_source(settings.camera.source)  # now: it may be off, and is opened when somebody turns it on
    # An embedded broker ends with the daemon: nothing outlives that.
    lasting = settings.mqtt.broker.kind == "network"
    root = Topics(settings.mqtt.base_topic, settings.mqtt.device).root
    state = state_directory(root, os.environ)
    runtime = runtime_directory(root, os.environ)
    file = DaemonFile(state)
    cleanup.callback(file.close)
    reloader = Reloader(ModelStore(state), file, read, reload_asked)
    setup = reloader.start(settings)
    # Without a broker nobody can turn it off, nor on.
    forgotten = is_forgotten_at_boot(state) and settings.mqtt.broker.kind != "none"
    switch = DetectionSwitch(state, runtime, forgotten_at_boot=forgotten)
    hooks = Hooks(settings.hooks)
    cleanup.callback(hooks.close, _HOOKS_S)  # while the client leaves, hooks of the last events run
    link = connect(settings, _open_outbox(settings, state if lasting else None, root, cleanup), cleanup)
    origin = Origin(settings.mqtt.device, str(ULID()))
    supervisor = CameraSupervisor(
        lambda: open_camera(settings.camera, settings.mqtt.broker, device_seed(settings.mqtt.device)),
        settings.camera,
        off=None if switch.on else switch.off_reason,
        patient=wait,
    )
    cleanup.callback(supervisor.close, _RELEASE_S)
    record = SessionFiles(origin.session, state, runtime) if lasting else NullSessionRecord()
    printer = NullPrinter() if print_to is None else LinePrinter(print_to)
    publisher = Publisher(origin, setup.bundle, link, printer, record, (hooks.add,))
    files = SummaryFiles(state, runtime) if lasting else NullSummaryStore()
    daemon = Daemon(
        *(setup, reloader, supervisor, publisher, switch, link),
        feeds=Feeds(settings, publisher, hooks, Summary(files, datetime.now(UTC)), _open_lsl(setup, root)),
        preview=_open_preview(setup, state, supervisor, cleanup),
    )
    return _Parts(daemon, supervisor, publisher, printer, record, switch, link, hooks)


def _serve(parts: _Parts, stop: threading.Event, cleanup: ExitStack) -> None:
    """Run the daemon until `stop` is set or the clip ends, and publish that it ends."""
    daemon, supervisor, printer = parts.daemon, parts.supervisor, parts.printer
    daemon.announce()
    try:
        if not daemon.open(stop):
            return
    except (CameraError, CameraHangError) as error:
        parts.publisher.publish_camera("offline", redact_text(str(error)))
        raise
    if printer.terminal:
        printer.print(what_next(program(), parts.link.broker))
    parts.record.begin()
    cleanup.callback(parts.record.end)
    reason = "the daemon stopped"
    try:
        daemon.watch(stop)
        if supervisor.ended:
            reason = "the clip ended"
    except (CameraError, CameraHangError) as error:
        reason = redact_text(str(error))
        raise
    finally:
        notify.stopping()
        parts.remember_command()
        daemon.finish(reason)
        printer.close(_READ_ALL_S if supervisor.ended else _RELEASE_S)
    if supervisor.ended:
        parts.link.drain(stop)
        parts.hooks.drain(_READ_ALL_S, stop)


def _open_preview(setup: Setup, state: Path, supervisor: CameraSupervisor, cleanup: ExitStack) -> Preview:
    config = setup.settings.preview
    if not config.enabled:
        return NullPreview()
    from edge.preview.service import PreviewService  # noqa: PLC0415  # a web server loads here, for those who want one

    preview = PreviewService(config, state, setup.settings.mqtt.device, CameraView(supervisor.name), setup.model_view)
    cleanup.callback(preview.close)
    return preview


def _open_lsl(setup: Setup, root: str) -> FrameOutlet:
    config = setup.settings.lsl
    if not config.enabled:
        return NullOutlet()
    return LslOutlet(config, setup.settings.mqtt.device, object_id(root), setup.bundle.card.labels)


def _open_outbox(settings: Settings, state: Path | None, root: str, cleanup: ExitStack) -> Outbox:
    """Return the outbox; without a state folder it has no file."""
    outbox = Outbox(
        settings.outbox,
        (settings.outbox.path or state / "outbox.sqlite") if state else None,
        destination(settings.mqtt.broker, root),
    )
    cleanup.callback(outbox.close)  # after the client's, which may still empty the outbox
    return outbox
