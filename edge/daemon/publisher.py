"""What the daemon says, to the broker and to standard output: one call for each kind of message."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from edge import __version__
from edge.errors import OutputError
from edge.wire.messages import CameraStatus, Info, InfoModel

if TYPE_CHECKING:
    from typing import Literal

    from edge.daemon.session import Life
    from edge.inference.bundle import ModelBundle
    from edge.mqtt.client import MqttClient
    from edge.pipeline.pipeline import Origin
    from edge.wire.messages import FaceEvent, Health, State


class Publisher:
    """Publishes, where there is a broker, and prints, where that was asked for."""

    def __init__(
        self,
        origin: Origin,
        bundle: ModelBundle,
        client: MqttClient | None,
        printer: TextIO | None = None,
        life: Life | None = None,
    ) -> None:
        self.origin = origin
        self._bundle = bundle
        self._client = client
        self._printer = printer
        self._life = life
        self._started_at = datetime.now(UTC)

    def tell_events(self, events: list[FaceEvent], captured_s: float) -> None:
        """Tell what changed; `captured_s` is when, on the monotonic clock.

        Raises:
            BrokenPipeError: Whoever read what is printed has left. From here on nothing is printed.
            OutputError: It cannot be printed for another reason.
        """
        for event in events:
            if self._life:
                self._life.note(event.sequence)
            if self._client:
                self._client.publish_event(event, captured_s)
        try:
            for event in events if self._printer else ():
                print(event.to_json(), file=self._printer, flush=True)
        except OSError as error:
            self._printer = None  # what is told on the way out must still reach the broker
            if isinstance(error, BrokenPipeError):
                raise
            message = f"standard output: the events cannot be printed: {error.strerror}"
            raise OutputError(message) from None

    def tell_state(self, state: State) -> None:
        """Tell who is there now."""
        if self._client:
            self._client.publish_retained(self._client.topics.state, state.to_json())

    def tell_health(self, health: Health) -> None:
        """Tell how the device is."""
        if self._client:
            self._client.publish_retained(self._client.topics.health, health.to_json())

    def tell_camera(self, status: Literal["online", "stalled", "offline", "off"], reason: str | None) -> None:
        """Tell how the camera is, since now."""
        if self._client:
            message = CameraStatus(**self.origin.stamp(), status=status, reason=reason, since=datetime.now(UTC))
            self._client.publish_retained(self._client.topics.camera, message.to_json())

    def tell_detection(self, word: str) -> None:
        """Tell whether we look: ``ON`` or ``OFF``."""
        if self._client:
            self._client.publish_retained(self._client.topics.detection, word)

    def tell_info(self, camera: str) -> None:
        """Tell what is running."""
        if self._client:
            card, network = self._bundle.card, self._bundle.network
            previous = self._life.previous if self._life else None
            info = Info(
                **self.origin.stamp(),
                software=__version__,
                model=InfoModel(name=card.name, version=card.version, sha256=card.sha256, labels=card.labels),
                runtime=f"{network.runtime} {network.version}",
                camera=camera,
                started_at=self._started_at,
                previous_session=previous.session if previous else None,
                previous_last_sequence=previous.last_sequence if previous else None,
            )
            self._client.publish_retained(self._client.topics.info, info.to_json())
