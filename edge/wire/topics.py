"""Every topic, in the one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Topics:
    """The topics of one device."""

    base: str
    """First part of every topic, ``mqtt.base_topic``."""

    device: str
    """The device's name, ``mqtt.device``. ``+`` gives filters that match every device."""

    @property
    def root(self) -> str:
        """What all of the device's topics lie below."""
        return f"{self.base}/{self.device}"

    @property
    def availability(self) -> str:
        """``online`` or ``offline``; retained, also the last will."""
        return f"{self.root}/availability"

    @property
    def state(self) -> str:
        """`edge.wire.messages.State`; retained."""
        return f"{self.root}/state"

    @property
    def event(self) -> str:
        """`edge.wire.messages.FaceEvent`; not retained."""
        return f"{self.root}/event"

    @property
    def camera(self) -> str:
        """`edge.wire.messages.CameraStatus`; retained."""
        return f"{self.root}/camera"

    @property
    def health(self) -> str:
        """`edge.wire.messages.Health`; retained, QoS 0."""
        return f"{self.root}/health"

    @property
    def info(self) -> str:
        """`edge.wire.messages.Info`; retained."""
        return f"{self.root}/info"

    @property
    def detection(self) -> str:
        """``ON`` or ``OFF``; retained."""
        return f"{self.root}/detection/state"

    @property
    def detection_set(self) -> str:
        """A command: ``ON`` or ``OFF``."""
        return f"{self.root}/detection/set"

    @property
    def request_health(self) -> str:
        """A command: tell `edge.wire.messages.Health` now."""
        return f"{self.root}/request/health"

    @property
    def response_health(self) -> str:
        """The answer, `edge.wire.messages.Health`, where the request names no topic of its own."""
        return f"{self.root}/response/health"
