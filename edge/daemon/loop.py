"""The loop between a camera that gives frames, a publisher that tells, and whoever asks."""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.daemon.health import Counters, HealthMonitor
from edge.daemon.throttle import Throttle
from edge.system import notify
from edge.system.machine import Machine

if TYPE_CHECKING:
    import threading

    from edge.camera.supervisor import CameraSupervisor
    from edge.config import Settings
    from edge.daemon.detection import DetectionSwitch
    from edge.daemon.publisher import Publisher
    from edge.frame import Frame
    from edge.mqtt.broker_link import BrokerLink
    from edge.pipeline import Pipeline, Transition
    from edge.wire.messages import Health

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
        link: BrokerLink,
    ) -> None:
        now_s = time.monotonic()
        self._supervisor, self._pipeline, self._publisher = supervisor, pipeline, publisher
        self._switch, self._link = switch, link
        self._processed = 0
        self._ages_ms: deque[float] = deque(maxlen=_AGES)
        self._throttle = Throttle(settings.camera.fps, Machine().throttling)
        self._introduced: tuple[str, bool] | None = None
        self._told_status: str | None = None
        self._monitor = HealthMonitor(time_s=now_s)
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
        self._publisher.publish_detection(str(self._switch))
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
        self._publish(self._pipeline.finish())
        self._publisher.publish_state(self._pipeline.snapshot())
        self._publisher.publish_camera("offline", reason)

    def _look(self, frame: Frame) -> None:
        self._introduce()
        # A clip's time is the clip's own; its frames are captured when they are read.
        now_s = time.monotonic()
        self._captured_s = frame.time_s if self._supervisor.live else now_s
        if self._supervisor.live:
            self._ages_ms.append(1000 * (now_s - frame.time_s))
        transitions = self._pipeline.step(frame)
        self._processed += 1
        self._publish(transitions)
        if transitions:
            self._state_s = float("-inf")

    def _publish(self, transitions: list[Transition]) -> None:
        self._publisher.publish_transitions(transitions, self._captured_s)

    def _introduce(self) -> None:
        """Say which camera it is; one that was off at the start shows that only when it opens."""
        camera = (self._supervisor.name, self._supervisor.synthetic)
        if camera == self._introduced:
            return
        self._introduced = camera
        self._publisher.set_synthetic(synthetic=self._supervisor.synthetic)
        self._publisher.publish_info(self._supervisor.name)

    def _chores(self, now_s: float) -> None:
        self._obey()
        if self._supervisor.status and self._supervisor.status != self._told_status:
            self._told_status = self._supervisor.status
            self._publisher.publish_camera(self._supervisor.status, self._supervisor.reason)
            if self._supervisor.status != "online":
                self._lose_sight()
        if now_s - self._state_s >= STATE_EVERY_S:
            self._state_s = now_s
            self._publisher.publish_state(self._pipeline.snapshot())
        if now_s - self._health_s >= self._health_every_s:
            self._health_s = now_s
            self._publisher.publish_health(self._health(now_s))
        self._link.attend(now_s)
        if self._feed_every_s is not None and now_s - self._fed_s >= self._feed_every_s:
            self._fed_s = now_s
            notify.watchdog()

    def _obey(self) -> None:
        """Carry out the commands since the last call."""
        commands = self._link.take_commands()
        if commands.detection is not None and self._switch.turn(on=commands.detection):
            self._turn()
        if commands.health:
            report = self._health(time.monotonic()).to_json()
            for request in commands.health:
                self._link.answer(request, report)

    def _turn(self) -> None:
        if self._switch.on:
            self._supervisor.turn_on()
        else:
            self._supervisor.turn_off(TURNED_OFF)
            self._lose_sight()
        self._publisher.publish_detection(str(self._switch))
        notify.status(f"watching {self._supervisor.name}" if self._switch.on else TURNED_OFF)

    def _lose_sight(self) -> None:
        """Say that everybody is gone: nobody can be seen any more."""
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
        )
        return self._monitor.report(counters, self._publisher.origin, sent_at=datetime.now(UTC), time_s=now_s)
