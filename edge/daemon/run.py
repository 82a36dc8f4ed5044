"""The life of the daemon: start, look, tell, stop."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, TextIO

from ulid import ULID

from edge.camera.open import open_camera
from edge.camera.supervisor import CameraSupervisor
from edge.daemon.detection import DetectionSwitch
from edge.daemon.loop import STATE_EVERY_S, TURNED_OFF, Daemon
from edge.daemon.payloads import Origin
from edge.daemon.publisher import Publisher
from edge.daemon.session import Life
from edge.errors import CameraError, CameraHangError
from edge.inference.bundle import SHIPPED, ModelBundle
from edge.mqtt.broker_link import connect
from edge.mqtt.client_id import object_id
from edge.mqtt.outbox.queue import Outbox
from edge.mqtt.outbox.spill import Spill
from edge.pipeline import Pipeline
from edge.system import notify
from edge.system.directories import runtime_directory, state_directory
from edge.vision.detector import HaarDetector
from edge.wire.topics import Topics

if TYPE_CHECKING:
    import threading

    from edge.config import Settings

log = logging.getLogger(__name__)

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
        # What outlives the daemon; a broker beside it does not.
        lasting = settings.mqtt.broker.kind == "network"
        root = Topics(settings.mqtt.base_topic, settings.mqtt.device).root
        state = state_directory(root, os.environ)
        switch = DetectionSwitch(state / f"{object_id(root)}.detection")
        if lasting:
            spill = Spill(outbox, settings.outbox.path or state / "outbox.sqlite")
            spill.start()
            cleanup.callback(spill.close)  # after the client's, which may still empty the outbox
        link = connect(settings, outbox, cleanup)
        link.announce(bundle.card.labels, STATE_EVERY_S, settings.health.every_s)
        origin = Origin(settings.mqtt.device, str(ULID()))
        supervisor = CameraSupervisor(
            lambda: open_camera(settings.camera, settings.mqtt.broker),
            settings.camera,
            off=None if switch.on else TURNED_OFF,
        )
        cleanup.callback(supervisor.close, _RELEASE_S)
        life = Life(origin.session, state, runtime_directory(root, os.environ)) if lasting else None
        publisher = Publisher(origin, bundle, link, printer, life)
        detector = HaarDetector(settings.faces.min_height)
        pipeline = Pipeline(detector, bundle, settings.faces, settings.emotion)
        daemon = Daemon(settings, supervisor, pipeline, publisher, switch, link)
        try:
            if not daemon.open(stop):
                return
        except (CameraError, CameraHangError) as error:
            publisher.publish_camera("offline", str(error))
            raise
        if life:
            life.begin()
            cleanup.callback(life.end)
        reason = "the daemon stopped"
        try:
            daemon.watch(stop)
            if supervisor.ended:
                reason = "the clip ended"
        except (CameraError, CameraHangError) as error:
            reason = str(error)
            raise
        finally:
            notify.stopping()
            daemon.finish(reason)
        if supervisor.ended:
            link.drain(stop)
