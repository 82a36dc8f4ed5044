"""Publishes the daemon's messages to the broker and prints events: one method for each kind of message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge import __version__
from edge.daemon import payloads
from edge.daemon.readable import readable
from edge.wire.messages import CameraStatus, FaceEvent, Info, InfoModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    from edge.daemon.payloads import Origin
    from edge.daemon.printer import Printer
    from edge.daemon.session import SessionRecord
    from edge.inference.bundle import ModelBundle
    from edge.mqtt.broker_link import BrokerLink
    from edge.pipeline import Snapshot, Transition
    from edge.preview.preview import OpenPreview
    from edge.summary import Summary
    from edge.wire.messages import Health
    from edge.wire.summary_message import SummaryMessage


class Publisher:
    """Adds origin and sequence to messages, publishes them, and prints events."""

    def __init__(
        self,
        origin: Origin,
        bundle: ModelBundle,
        link: BrokerLink,
        printer: Printer,
        record: SessionRecord,
        listeners: Sequence[Callable[[FaceEvent], None]] = (),
    ) -> None:
        """Begin a session.

        Args:
            origin: The device, the session, and whether the camera is the test card.
            bundle: What `info` names.
            link: The way to the broker.
            printer: Prints a line for each event.
            record: Notes the sequence, for the next session.
            listeners: Get each event after it was handed to the broker; they never wait.
        """
        self._origin = origin
        self._bundle = bundle
        self._link = link
        self._printer = printer
        self._record = record
        self._show = readable if printer.terminal else FaceEvent.to_json
        self._listeners = listeners
        self._started_at = datetime.now(UTC)
        self._camera = "", self._started_at  # its status, and since when
        self._sequence = 0
        self._frames = 0

    @property
    def origin(self) -> Origin:
        """The device, the session, and whether the camera is the test card."""
        return self._origin

    def set_synthetic(self, *, synthetic: bool) -> None:
        """Mark all further messages as caused by the test card, or not."""
        self._origin = replace(self._origin, synthetic=synthetic)

    def set_bundle(self, bundle: ModelBundle) -> None:
        """Name another bundle in `info` from now on."""
        self._bundle = bundle

    def publish_transitions(self, transitions: Sequence[Transition], captured_s: float) -> None:
        """Publish what changed, and print it; `captured_s` is when, on the monotonic clock."""
        for transition in transitions:
            event = payloads.event(transition, self._origin, self._sequence)
            self._sequence += 1
            self._record.note(event.sequence)
            self._link.publish_event(event, captured_s)
            self._printer.print(self._show(event))
            for listen in self._listeners:
                listen(event)

    def check_printer(self) -> None:
        """Raise what went wrong with what was printed, as `Printer.check` says."""
        self._printer.check()

    def publish_state(self, snapshot: Snapshot | None) -> None:
        """Publish who is there now; None before the first frame."""
        message = payloads.state(snapshot, self._origin, datetime.now(UTC))
        self._link.publish_retained(self._link.topics.state, message.to_json())

    def publish_frame(self, snapshot: Snapshot, skipped: int) -> bool:
        """Publish the faces of one frame; return False if no broker is connected: it is then as if skipped."""

        def payload() -> str:
            return payloads.frame(snapshot, self._origin, self._frames, skipped)

        sent = self._link.publish_live(self._link.topics.frame, payload)
        self._frames += sent
        return sent

    def publish_health(self, health: Health) -> None:
        """Publish the device's health."""
        self._link.publish_retained(self._link.topics.health, health.to_json())

    def publish_summary(self, summary: Summary) -> SummaryMessage:
        """Publish hours and days in numbers, and return what was published."""
        message = summary.message(self._origin.stamp(), datetime.now(UTC))
        self._link.publish_retained(self._link.topics.summary, message.to_json())
        return message

    def clear_summary(self) -> None:
        """Have the broker keep no summary, also where it comes back later."""
        self._link.publish_retained(self._link.topics.summary, "")

    def publish_camera(self, status: Literal["online", "stalled", "offline", "off"], reason: str | None) -> None:
        """Publish the camera's status, since now if it is another one; the reason is redacted already."""
        if status != self._camera[0]:
            self._camera = status, datetime.now(UTC)
        message = CameraStatus(**self._origin.stamp(), status=status, reason=reason, since=self._camera[1])
        self._link.publish_retained(self._link.topics.camera, message.to_json())

    def publish_detection(self, word: str) -> None:
        """Publish whether detection is ``ON`` or ``OFF``."""
        self._link.publish_retained(self._link.topics.detection, word)

    def publish_info(self, camera: str, preview: OpenPreview | None = None) -> None:
        """Publish what is running; `preview` is the one that is open."""
        card, network = self._bundle.card, self._bundle.network
        previous = self._record.previous
        info = Info(
            **self._origin.stamp(),
            software=__version__,
            model=InfoModel(name=card.name, version=card.version, sha256=card.sha256, labels=card.labels),
            runtime=f"{network.runtime} {network.version}",
            camera=camera,
            started_at=self._started_at,
            previous_session=previous.session if previous else None,
            previous_last_sequence=previous.last_sequence if previous else None,
            preview=payloads.preview(preview) if preview else None,
        )
        self._link.publish_retained(self._link.topics.info, info.to_json())
