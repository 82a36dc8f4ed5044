"""The life of the daemon: start, look, tell, stop."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from ulid import ULID

from edge import notify
from edge.camera.keeper import CameraKeeper
from edge.camera.open import open_camera
from edge.errors import CameraError, CameraHangError
from edge.events import BrokerHealth, OutboxHealth
from edge.faces import HaarDetector
from edge.health import Counters, HealthMonitor
from edge.model import SHIPPED, ModelBundle
from edge.mqtt.client import MqttClient
from edge.mqtt.embedded import EmbeddedBroker
from edge.mqtt.outbox import Outbox
from edge.pipeline import Origin, Pipeline
from edge.voice import Voice

if TYPE_CHECKING:
    import threading

    from edge.config import Settings

log = logging.getLogger(__name__)

STATE_EVERY_S = 30.0
"""Seconds after which `state` is said again although nothing changed: a heartbeat."""

_TICK_S = 0.25
"""Longest wait for a frame, so that a stop is heard."""

_DRAIN_S = 10.0
"""Seconds that a clip's last events have to reach a broker that is there."""

_CONNECT_S = 2.0
"""Seconds that a broker has to be there by then."""

_RELEASE_S = 0.3
"""Seconds that the camera has to let go when the daemon stops."""


def run(settings: Settings, stop: threading.Event, printer: TextIO | None = None) -> None:
    """Run until `stop` is set or the clip ends.

    Args:
        settings: Everything that can be set.
        stop: Set it from anywhere to end within 2 s, ``offline`` published.
        printer: Where to print every event as a line of JSON.

    Raises:
        EdgeError: What the daemon cannot mend; its `exit_code` says what kind.
    """
    bundle = ModelBundle.load(settings.emotion.model or SHIPPED, threads=settings.emotion.threads)
    log.info("model %s %s on %s", bundle.card.name, bundle.card.version, bundle.network.runtime)
    with ExitStack() as cleanup:
        outbox = Outbox(settings.outbox)
        client = _connect(settings, outbox, cleanup)
        origin = Origin(settings.mqtt.device, str(ULID()))
        keeper = CameraKeeper(lambda: open_camera(settings.camera, settings.mqtt.broker), settings.camera)
        cleanup.callback(keeper.close, _RELEASE_S)
        try:
            while not keeper.open(_TICK_S):
                if stop.is_set():
                    return
        except (CameraError, CameraHangError) as error:
            Voice(origin, client).tell_camera("offline", str(error))
            raise
        origin = replace(origin, synthetic=keeper.synthetic)
        voice = Voice(origin, client, printer)
        voice.tell_info(bundle, keeper.name)
        detector = HaarDetector(settings.faces.min_height)
        pipeline = Pipeline(detector, bundle, settings.faces, settings.emotion, origin)
        daemon = _Daemon(settings, keeper, pipeline, voice, client, outbox)
        notify.ready(f"watching {keeper.name}")
        reason = "the daemon stopped"
        try:
            daemon.watch(stop)
            if keeper.ended:
                reason = "the clip ended"
        except (CameraError, CameraHangError) as error:
            reason = str(error)
            raise
        finally:
            notify.stopping()
            daemon.finish(reason)
        if keeper.ended and client:
            _drain(outbox, client, stop)


class _Daemon:
    """The loop between a camera that gives frames and a voice that tells."""

    def __init__(
        self,
        settings: Settings,
        keeper: CameraKeeper,
        pipeline: Pipeline,
        voice: Voice,
        client: MqttClient | None,
        outbox: Outbox,
    ) -> None:
        now_s = time.monotonic()
        self._keeper, self._pipeline, self._voice = keeper, pipeline, voice
        self._client, self._outbox = client, outbox
        self._processed = 0
        self._told_status: str | None = None
        self._monitor = HealthMonitor(
            settings.mqtt.device, pipeline.origin.session, time_s=now_s, synthetic=keeper.synthetic
        )
        self._health_every_s = settings.health.every_s
        self._health_s = self._state_s = float("-inf")  # both are said at once
        self._feed_every_s = notify.watchdog_interval_s()
        self._fed_s = now_s
        self._captured_s = now_s

    def watch(self, stop: threading.Event) -> None:
        """Look at frames and tell what changes, until the stop or the clip's end."""
        while not stop.is_set():
            frame = self._keeper.next_frame(_TICK_S)
            if frame is not None:
                # A clip's time is the clip's own; its frames are captured when they are read.
                self._captured_s = frame.time_s if self._keeper.live else time.monotonic()
                events = self._pipeline.step(frame)
                self._processed += 1
                self._voice.tell_events(events, self._captured_s)
                if events:
                    self._state_s = float("-inf")
            elif self._keeper.ended:
                return
            # With a frame, or from a bounded search for the camera: the daemon lives.
            self._chores(time.monotonic())

    def finish(self, reason: str) -> None:
        """Say that nobody is seen any more, for there will be no more frames."""
        self._voice.tell_events(self._pipeline.finish(), self._captured_s)
        self._voice.tell_state(self._pipeline.state(datetime.now(UTC)))
        self._voice.tell_camera("offline", reason)

    def _chores(self, now_s: float) -> None:
        if self._keeper.status and self._keeper.status != self._told_status:
            self._told_status = self._keeper.status
            self._voice.tell_camera(self._keeper.status, self._keeper.reason)
            if self._keeper.status != "online":  # nobody can be seen any more
                self._voice.tell_events(self._pipeline.finish(), self._captured_s)
                self._state_s = float("-inf")
        if now_s - self._state_s >= STATE_EVERY_S:
            self._state_s = now_s
            self._voice.tell_state(self._pipeline.state(datetime.now(UTC)))
        if now_s - self._health_s >= self._health_every_s:
            self._health_s = now_s
            self._voice.tell_health(self._monitor.report(self._counters(), sent_at=datetime.now(UTC), time_s=now_s))
        if self._feed_every_s is not None and now_s - self._fed_s >= self._feed_every_s:
            self._fed_s = now_s
            notify.watchdog()

    def _counters(self) -> Counters:
        client = self._client
        return Counters(
            captured=self._keeper.captured,
            dropped=self._keeper.dropped,
            processed=self._processed,
            latencies_ms=client.latencies if client else (),
            outbox=OutboxHealth(depth=self._outbox.depth, dropped=self._outbox.dropped),
            broker=BrokerHealth(
                reconnects=client.reconnects if client else 0, refused=client.refused if client else None
            ),
        )


def _connect(settings: Settings, outbox: Outbox, cleanup: ExitStack) -> MqttClient | None:
    """Start the client, and before it the broker beside the daemon where that is wanted."""
    broker = settings.mqtt.broker
    if broker.kind == "none":
        return None
    config = settings.mqtt
    if broker.kind == "embedded":
        embedded = EmbeddedBroker()
        port = embedded.start()
        cleanup.callback(embedded.stop)
        config = config.model_copy(update={"url": f"mqtt://127.0.0.1:{port}"})
        log.info("a broker for trying things listens on 127.0.0.1, port %d", port)
    client = MqttClient(config, outbox, mqtt5=broker.kind != "embedded")
    client.start()
    cleanup.callback(client.close)
    return client


def _drain(outbox: Outbox, client: MqttClient, stop: threading.Event) -> None:
    """A clip is faster than a broker: wait until a broker that is there has everything."""
    began_s = time.monotonic()
    while outbox.depth and not client.refused and not stop.wait(0.02):
        waited_s = time.monotonic() - began_s
        if waited_s >= (_DRAIN_S if client.connected else _CONNECT_S):
            break
    if outbox.depth:
        reason = client.refused or ("too slow" if client.connected else "not reached")
        log.warning("%d events did not reach the broker (%s)", outbox.depth, reason)
