"""The loop between a camera that gives frames, a publisher that tells, and whoever asks."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.daemon.health import Counters, HealthMonitor, Machine
from edge.daemon.throttle import Throttle
from edge.system import notify
from edge.wire.messages import BrokerHealth, OutboxHealth

if TYPE_CHECKING:
    import threading

    from edge.camera.supervisor import CameraSupervisor
    from edge.config import Settings
    from edge.daemon.detection import DetectionSwitch
    from edge.daemon.publisher import Publisher
    from edge.frame import Frame
    from edge.mqtt.broker_link import BrokerLink
    from edge.pipeline.pipeline import Pipeline

STATE_EVERY_S = 30.0
"""Seconds after which `state` is said again although nothing changed: a heartbeat."""

TURNED_OFF = "detection was turned off"
"""Why the camera is off."""

_AGES = 256
"""Newest frames whose age is remembered."""

_TICK_S = 0.25
"""Longest wait for a frame, so that a stop or a command is heard."""


class Daemon:
    """Looks at frames while that is wanted, tells what changes, and does what it is asked."""

    def __init__(
        self,
        settings: Settings,
        supervisor: CameraSupervisor,
        pipeline: Pipeline,
        publisher: Publisher,
        switch: DetectionSwitch,
        link: BrokerLink | None,
    ) -> None:
        now_s = time.monotonic()
        self._supervisor, self._pipeline, self._publisher = supervisor, pipeline, publisher
        self._switch, self._link = switch, link
        self._processed = 0
        self._ages_ms: deque[float] = deque(maxlen=_AGES)
        self._throttle = Throttle(settings.camera.fps, Machine().throttling)
        self._introduced: tuple[str, bool] | None = None
        self._told_status: str | None = None
        self._monitor = HealthMonitor(settings.mqtt.device, pipeline.origin.session, time_s=now_s)
        self._health_every_s = settings.health.every_s
        self._health_s = self._state_s = float("-inf")  # both are said at once
        self._feed_every_s = notify.watchdog_interval_s()
        self._fed_s = now_s
        self._captured_s = now_s

    def open(self, stop: threading.Event) -> bool:
        """Wait for the camera's first opening, and say what is running; False when the stop came first.

        Raises:
            CameraError: There is no camera.
            CameraHangError: Opening it takes for ever.
        """
        self._publisher.tell_detection(str(self._switch))
        while not self._supervisor.open(_TICK_S):
            if stop.is_set():
                return False
            self._obey()
        self._introduce()
        notify.ready(f"watching {self._supervisor.name}" if self._switch.on else TURNED_OFF)
        return True

    def watch(self, stop: threading.Event) -> None:
        """Look at frames and tell what changes, until the stop or the clip's end."""
        while not stop.is_set():
            # Of a live camera only: a clip's frames all count, and wait.
            rest_s = self._throttle.wait_s(time.monotonic()) if self._supervisor.live else 0.0
            if rest_s > 0:
                stop.wait(min(rest_s, _TICK_S))  # meanwhile newer frames take each other's place
            elif (frame := self._supervisor.next_frame(_TICK_S)) is not None:
                self._look(frame)
            elif self._supervisor.ended:
                return
            # With a frame, from a bounded search for the camera, or turned off: the daemon lives.
            self._chores(time.monotonic())

    def finish(self, reason: str) -> None:
        """Say that nobody is seen any more, for there will be no more frames."""
        self._publisher.tell_events(self._pipeline.finish(), self._captured_s)
        self._publisher.tell_state(self._pipeline.state(datetime.now(UTC)))
        self._publisher.tell_camera("offline", reason)

    def _look(self, frame: Frame) -> None:
        self._introduce()
        # A clip's time is the clip's own; its frames are captured when they are read.
        now_s = time.monotonic()
        self._captured_s = frame.time_s if self._supervisor.live else now_s
        if self._supervisor.live:
            self._ages_ms.append(1000 * (now_s - frame.time_s))
        events = self._pipeline.step(frame)
        self._processed += 1
        self._publisher.tell_events(events, self._captured_s)
        if events:
            self._state_s = float("-inf")

    def _introduce(self) -> None:
        """Say which camera it is; one that was off at the start shows that only when it opens."""
        camera = (self._supervisor.name, self._supervisor.synthetic)
        if camera == self._introduced:
            return
        self._introduced = camera
        origin = replace(self._pipeline.origin, synthetic=self._supervisor.synthetic)
        self._pipeline.origin = self._publisher.origin = origin
        self._monitor.synthetic = origin.synthetic
        self._publisher.tell_info(self._supervisor.name)

    def _chores(self, now_s: float) -> None:
        self._obey()
        if self._supervisor.status and self._supervisor.status != self._told_status:
            self._told_status = self._supervisor.status
            self._publisher.tell_camera(self._supervisor.status, self._supervisor.reason)
            if self._supervisor.status != "online":
                self._lose_sight()
        if now_s - self._state_s >= STATE_EVERY_S:
            self._state_s = now_s
            self._publisher.tell_state(self._pipeline.state(datetime.now(UTC)))
        if now_s - self._health_s >= self._health_every_s:
            self._health_s = now_s
            self._publisher.tell_health(self._monitor.report(self._counters(), sent_at=datetime.now(UTC), time_s=now_s))
        if self._link:
            self._link.home.attend(now_s)
        if self._feed_every_s is not None and now_s - self._fed_s >= self._feed_every_s:
            self._fed_s = now_s
            notify.watchdog()

    def _obey(self) -> None:
        """Do what was asked for since the last time."""
        if not self._link:
            return
        wishes = self._link.commands.take()
        if wishes.detection is not None and self._switch.turn(on=wishes.detection):
            self._turn()
        if wishes.health:
            report = self._monitor.report(self._counters(), sent_at=datetime.now(UTC), time_s=time.monotonic())
            for request in wishes.health:
                self._link.client.publish_once(self._link.commands.answer(request, report.to_json()))

    def _turn(self) -> None:
        if self._switch.on:
            self._supervisor.turn_on()
        else:
            self._supervisor.turn_off(TURNED_OFF)
            self._lose_sight()
        self._publisher.tell_detection(str(self._switch))
        notify.status(f"watching {self._supervisor.name}" if self._switch.on else TURNED_OFF)

    def _lose_sight(self) -> None:
        """Say that everybody is gone: nobody can be seen any more."""
        self._publisher.tell_events(self._pipeline.finish(), self._captured_s)
        self._ages_ms.clear()
        self._state_s = float("-inf")

    def _counters(self) -> Counters:
        link = self._link
        return Counters(
            captured=self._supervisor.captured,
            dropped=self._supervisor.dropped,
            processed=self._processed,
            latencies_ms=link.client.latencies if link else (),
            outbox=OutboxHealth(depth=link.outbox.depth, dropped=link.outbox.dropped)
            if link
            else OutboxHealth(depth=0, dropped=0),
            broker=BrokerHealth(
                reconnects=link.client.reconnects if link else 0, refused=link.client.refused if link else None
            ),
            commands_ignored=link.commands.ignored if link else 0,
            frame_ages_ms=self._ages_ms,
            frames_limit=self._throttle.limit,
        )
