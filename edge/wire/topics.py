"""The one table of topics: address, payload, QoS and retain of each, and who publishes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from edge.wire.frame_message import FrameMessage
from edge.wire.messages import CameraStatus, FaceEvent, Health, Info, State
from edge.wire.summary_message import SummaryMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.wire.messages import Payload

BASE = "emotion-edge"
"""First part of every topic, unless `mqtt.base_topic` names another."""

HOME_ASSISTANT = "homeassistant"
"""First part of Home Assistant's topics, unless `homeassistant.prefix` names another."""


class Topic(str):
    """The address of a topic that the device publishes to, with how it is used."""

    __slots__ = ("carries", "qos", "retained", "summary")

    summary: str
    """What it is for, in a sentence."""

    carries: type[Payload] | tuple[str, ...] | dict[str, Any] | None
    """The type of its JSON, a JSON schema, the words that it may hold, or None: the payload has no meaning."""

    retained: bool
    """Whether the broker keeps the newest message for those who subscribe later."""

    qos: Literal[0, 1]
    """The quality of service that it is published with."""

    def __new__(
        cls,
        address: str,
        summary: str,
        carries: type[Payload] | tuple[str, ...] | dict[str, Any] | None,
        *,
        retained: bool = False,
        qos: Literal[0, 1] = 1,
    ) -> Self:
        """Return a topic; the attributes explain the arguments."""
        topic = super().__new__(cls, address)
        topic.summary, topic.carries, topic.retained, topic.qos = summary, carries, retained, qos
        return topic


class Inbound(Topic):
    """A topic that others publish to, and the device subscribes to. They must not be retained."""

    __slots__ = ()


class Topics:
    """The topics of one device.

    Example:
        >>> Topics("emotion-edge", "kitchen").event
        'emotion-edge/kitchen/event'
    """

    def __init__(self, base: str, device: str) -> None:
        """Build the table.

        Args:
            base: First part of every topic, ``mqtt.base_topic``.
            device: The device's name, ``mqtt.device``. ``+`` gives filters that match every device.
        """
        self.base, self.device = base, device
        self.root = root = f"{base}/{device}"
        """What all of the device's topics lie below."""
        self.doctor = f"{root}/doctor"
        """Where `emotion-edge doctor` publishes a random text and reads it back. Nobody else uses it."""
        self.availability = Topic(
            f"{root}/availability",
            "Whether the device is connected; its last will says offline.",
            ("online", "offline"),
            retained=True,
        )
        self.state = Topic(
            f"{root}/state",
            "Who is there now: on every change, and every 30 s as a heartbeat.",
            State,
            retained=True,
        )
        self.event = Topic(
            f"{root}/event", "A face appeared, its emotion changed, it is gone. Nothing is lost.", FaceEvent
        )
        self.camera = Topic(f"{root}/camera", "How the camera is, and why.", CameraStatus, retained=True)
        self.health = Topic(f"{root}/health", "Device health, every health.every_s.", Health, retained=True, qos=0)
        self.info = Topic(f"{root}/info", "What is running, and in which session.", Info, retained=True)
        self.frame = Topic(
            f"{root}/frame",
            "The faces of each processed frame, where frames.enabled is true. Never stored, left out if it would wait.",
            FrameMessage,
            qos=0,
        )
        self.summary = Topic(
            f"{root}/summary",
            "Hours and days in numbers, unless summary.enabled is false: each minute, or every 10 with nobody there.",
            SummaryMessage,
            retained=True,
        )
        self.detection = Topic(
            f"{root}/detection/state",
            "Whether it looks; while OFF the camera is closed.",
            ("ON", "OFF"),
            retained=True,
        )
        self.detection_set = Inbound(
            f"{root}/detection/set",
            "Have it look, or not. The choice outlives a restart; a retained command is ignored.",
            ("ON", "OFF"),
        )
        self.request_health = Inbound(
            f"{root}/request/health",
            "Ask for its health; with MQTT 5 the answer goes to the response topic, with the correlation data.",
            None,
        )
        self.response_health = Topic(
            f"{root}/response/health", "The answer, where the request named no topic for it.", Health
        )

    @property
    def named(self) -> Mapping[str, Topic]:
        """Every topic by its name here."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Topic)}

    @property
    def answers(self) -> Mapping[str, str]:
        """The name here of the topic where the device answers, by the name of the topic with the request."""
        return {"request_health": "response_health"}

    @property
    def commands(self) -> tuple[str, ...]:
        """The filters of all commands to the device; unknown requests too, so that it counts them."""
        return self.detection_set, f"{self.root}/request/#"


class HomeAssistantTopics:
    """The topics that the device shares with Home Assistant."""

    def __init__(self, prefix: str, object_id: str) -> None:
        """Build the table.

        Args:
            prefix: First part of Home Assistant's topics, ``homeassistant.prefix``.
            object_id: The device's name for discovery, `edge.mqtt.client_id.object_id`.
        """
        self.config = Topic(
            f"{prefix}/device/{object_id}/config",
            "Home Assistant's device discovery; empty once homeassistant.enabled is false.",
            {"type": "object", "required": ["device", "origin", "components"]},
            retained=True,
        )
        self.status = Inbound(
            f"{prefix}/status",
            "Home Assistant has started, or stops; after its start the device says everything retained again.",
            ("online", "offline"),
        )
