"""The daemon's loop: frames from the camera, transitions to the publisher, commands from the broker."""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.daemon.camera_report import CameraReport
from edge.daemon.detection import SwitchCommands
from edge.daemon.health import Counters, HealthMonitor
from edge.daemon.throttle import Throttle
from edge.mqtt.discovery import Announcement
from edge.system import notify
from edge.system.machine import Machine

if TYPE_CHECKING:
    import threading

    from edge.camera.supervisor import CameraSupervisor
    from edge.daemon.detection import DetectionSwitch
    from edge.daemon.feeds import Feeds
    from edge.daemon.publisher import Publisher
    from edge.daemon.reload import Reloader, Setup
    from edge.frame import Frame
    from edge.mqtt.broker_link import BrokerLink
    from edge.pipeline import Transition
    from edge.preview.preview import Preview
    from edge.wire.messages import Health

STATE_EVERY_S = 30.0
"""Seconds after which `state` is published again although nothing changed: a heartbeat."""

_AGES = 256
"""Newest frames whose age is kept."""

_TICK_S = 0.25
"""Longest wait for a frame, so that a stop or a command is noticed."""


class Daemon:
    """Processes frames while detection is on, publishes what changes, and carries out commands."""

    def __init__(  # noqa: PLR0913  # its parts
        self,
        setup: Setup,
        reloader: Reloader,
        supervisor: CameraSupervisor,
        publisher: Publisher,
        switch: DetectionSwitch,
        link: BrokerLink,
        *,
        feeds: Feeds,
        preview: Preview,
    ) -> None:
        now_s = time.monotonic()
        self._setup, self._reloader = setup, reloader
        self._supervisor, self._publisher = supervisor, publisher
        self._switch, self._link, self._feeds, self._preview = switch, link, feeds, preview
        self._switch_commands = SwitchCommands()
        self._pipeline = setup.make_pipeline(preview.clock)
        reloader.note(setup)
        self._processed = 0
        self._ages_ms: deque[float] = deque(maxlen=_AGES)
        self._throttle = Throttle(setup.settings.camera.fps, Machine().throttling)
        self._report = CameraReport(supervisor, publisher, preview)
        self._monitor = HealthMonitor(time_s=now_s)
        self._health_s = self._state_s = float("-inf")  # both are published at once
        self._feed_every_s = notify.watchdog_interval_s()
        self._fed_s = now_s
        self._captured_s = now_s

    def open(self, stop: threading.Event) -> bool:
        """Wait for the camera's first opening, and publish what is running; return False if the stop came first.

        Raises:
            CameraError: There is no camera, and it is not waited for.
            CameraHangError: Opening it does not return.
        """
        self._report.publish_detection(self._switch)
        while not self._supervisor.open(_TICK_S):
            if stop.is_set():
                return False
            self._carry_out_commands(time.monotonic())
        self._report.publish_info()
        notify.ready(self._status())
        return True

    def watch(self, stop: threading.Event) -> None:
        """Process frames until the stop or the clip's end.

        Raises:
            CameraError: The camera was away for too long.
            CameraHangError: The camera stack hangs.
            BrokenPipeError: The reader of what is printed has left.
            OutputError: Events cannot be printed for another reason.
        """
        while not stop.is_set():
            self._publisher.check_printer()
            if self._reloader.asked():
                self._reload()
            rest_s = self._throttle.wait_s(time.monotonic()) if self._may_rest else 0.0
            if rest_s > 0:
                stop.wait(min(rest_s, _TICK_S))  # meanwhile newer frames replace each other
            elif (frame := self._supervisor.next_frame(_TICK_S)) is not None:
                self._process(frame)
            elif self._supervisor.ended:
                return
            # With a frame, from a bounded search for the camera, or turned off: the daemon lives.
            self._do_what_is_due(time.monotonic())

    @property
    def _may_rest(self) -> bool:
        """Whether frames may be left out: those of a live camera that works.

        Every frame of a clip counts, and waits; a camera that is closed or opened again has deadlines.
        """
        return self._supervisor.live and self._supervisor.status == "online" and self._switch.on

    def take_waiting_command(self) -> bool | None:
        """Return whether detection is still to be turned on or off, once; None: no command waits for its time."""
        return self._switch_commands.take()

    def finish(self, reason: str) -> None:
        """Publish that everybody is gone, because no more frames will come."""
        self._publish(self._pipeline.finish())
        self._publisher.publish_state(self._pipeline.snapshot())
        self._feeds.finish()
        self._report.publish_detection(self._switch, ending=True)
        self._publisher.publish_camera("offline", reason)

    def announce(self) -> None:
        """Announce the device to Home Assistant."""
        settings = self._setup.settings
        labels = self._setup.bundle.card.labels
        announcement = Announcement(labels, STATE_EVERY_S, settings.health.every_s, settings.summary.enabled)
        self._link.announce(settings.homeassistant, announcement)

    def _reload(self) -> None:
        """Take over what is configured now.

        What was seen so far is published with the old model. With a new one, or with other settings of faces and
        emotions, everybody is gone, and appears anew: nothing is compared over the change.
        """
        notify.reloading()
        before, self._setup = self._setup, self._reloader.reload(self._setup)
        if self._setup.bundle is not before.bundle or self._setup.settings.faces != before.settings.faces:
            self._everybody_is_gone()
            self._pipeline = self._setup.make_pipeline(self._preview.clock, self._pipeline.last_id)
            self._publisher.set_bundle(self._setup.bundle)
            self._preview.set_model(self._setup.model_view)
            self._report.publish_info(anew=True)
        if self._setup is not before:
            self._feeds.configure(self._setup.settings, self._setup.bundle.card.labels)
            self.announce()
            self._reloader.note(self._setup)
        notify.ready(self._status())

    def _process(self, frame: Frame) -> None:
        self._report.publish_info()
        self._publish_camera_status()  # before what the camera saw
        # A clip's time is the clip's own; its frames are captured when they are read.
        now_s = time.monotonic()
        self._captured_s = frame.time_s if self._supervisor.live else now_s
        waited_ms = 1000 * (now_s - frame.time_s) if self._supervisor.live else None
        if waited_ms is not None:
            self._ages_ms.append(waited_ms)
        transitions = self._pipeline.step(frame)
        self._processed += 1
        with self._preview.clock.timed("publish"):
            self._feeds.count(frame, synthetic=self._supervisor.synthetic)
            self._publish(transitions)
            self._feeds.show(frame, self._pipeline.snapshot, live=self._supervisor.live)
        self._preview.show(frame, self._pipeline.snapshot, waited_ms)
        if transitions:
            self._state_s = float("-inf")

    def _publish(self, transitions: list[Transition]) -> None:
        self._publisher.publish_transitions(transitions, self._captured_s)
        self._preview.note(transitions)
        self._feeds.note(transitions)

    def _publish_camera_status(self) -> None:
        if self._report.publish_status():
            notify.status(self._status())
            if self._supervisor.status != "online":
                self._everybody_is_gone()

    def _do_what_is_due(self, now_s: float) -> None:
        self._carry_out_commands(now_s)
        self._publish_camera_status()
        self._report.publish_detection(self._switch)
        self._report.publish_info()
        if now_s - self._state_s >= STATE_EVERY_S:
            self._state_s = now_s
            self._publisher.publish_state(self._pipeline.snapshot())
        if now_s - self._health_s >= self._setup.settings.health.every_s:
            self._health_s = now_s
            self._publisher.publish_health(self._health(now_s))
        self._feeds.attend(now_s)
        self._link.attend(now_s)
        if self._feed_every_s is not None and now_s - self._fed_s >= self._feed_every_s:
            self._fed_s = now_s
            notify.watchdog()

    def _carry_out_commands(self, now_s: float) -> None:
        """Carry out the commands since the last call."""
        commands = self._link.take_commands()
        on = self._switch_commands.due(now_s, command=commands.detection, on=self._switch.on)
        if on is not None:
            if self._switch.turn(on=on):
                self._turn()
            elif not self._switch.on:  # said again, it may be remembered now
                self._supervisor.turn_off(self._switch.off_reason)
        if commands.health:
            report = self._health(now_s).to_json()
            for request in commands.health:
                self._link.answer(request, report)

    def _turn(self) -> None:
        if self._switch.on:
            self._supervisor.turn_on()
        else:
            self._supervisor.turn_off(self._switch.off_reason)
            self._report.turned_off(self._switch.off_reason)
            self._everybody_is_gone()
        notify.status(self._status())

    def _status(self) -> str:
        waiting = self._setup.waiting
        return self._report.describe(self._switch) + (f"; restart it to apply {', '.join(waiting)}" if waiting else "")

    def _everybody_is_gone(self) -> None:
        """Publish that everybody is gone: no frame shows anybody any more."""
        self._publish(self._pipeline.finish())
        self._ages_ms.clear()
        self._state_s = float("-inf")

    def _health(self, now_s: float) -> Health:
        counters = Counters(
            captured=self._supervisor.captured,
            dropped=self._supervisor.dropped,
            processed=self._processed,
            link=self._link.status(),
            frame_ages_ms=self._ages_ms,
            frames_limit=self._throttle.limit,
            hooks=self._feeds.hook_counts,
        )
        return self._monitor.report(counters, self._publisher.origin, sent_at=datetime.now(UTC), time_s=now_s)
