"""The settings, each with its unit and the reason for its default."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from edge.config.broker import Broker, parse_broker
from edge.wire.topics import BASE, HOME_ASSISTANT


def _hostname() -> str:
    """Give the host's name with what a topic cannot hold replaced."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", socket.gethostname().split(".")[0]).strip("-") or "emotion-edge"


def _number(value: object) -> object:
    """Read a number that came as text from the environment, where the type alone would not."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _check_url(url: str) -> str:
    parse_broker(url)
    return url


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class CameraConfig(_Section):
    """Where frames come from."""

    source: str = Field(default="auto", min_length=1)
    """auto | picamera2[:N] | /dev/videoN | a clip | a folder of images | rtsp://… | testcard"""

    width: int = Field(default=640, ge=64, le=4096)
    """Pixels. Asked of a live camera, which gives what it can; a clip keeps its own size."""

    height: int = Field(default=480, ge=64, le=4096)
    """Pixels."""

    fps: float = Field(default=15.0, gt=0, le=120)
    """Frames per second asked of a live camera. Expressions last half a second and more; 15 sees them all."""

    rotate: Annotated[Literal[0, 90, 180, 270], BeforeValidator(_number)] = 0
    """Degrees clockwise, for a camera that is mounted on its side or upside down."""

    stall_s: float = Field(default=5.0, ge=2)
    """Seconds without a frame until the camera counts as stalled and is opened anew; at least two frames long."""

    give_up_s: float = Field(default=60.0, gt=0)
    """Seconds without a camera until the daemon ends with exit code 3 and systemd starts a clean one."""

    @model_validator(mode="after")
    def _a_frame_is_no_stall(self) -> CameraConfig:
        if self.stall_s * self.fps < 2:
            message = f"at {self.fps:g} fps two frames take longer than stall_s = {self.stall_s:g}; raise one of them"
            raise ValueError(message)
        return self


class FacesConfig(_Section):
    """Which faces are looked for."""

    min_height: int = Field(default=72, ge=16)
    """Pixels of the smallest face. Each halving costs about four times the search; 72 of 480 is a face at 2 m."""

    max_faces: int = Field(default=8, ge=1, le=64)
    """Most faces followed at once; those that came first stay."""

    notice_s: float = Field(default=0.3, gt=0)
    """Seconds within which a new face should be noticed. How often the picture is searched follows from it.
    Below another face, where prints on shirts are, it takes two frames more."""

    min_score: float | None = Field(default=None, ge=0, le=1)
    """Probability of being a face at all below which it is none; empty: what the model's card says; 0: any counts."""


class EmotionConfig(_Section):
    """How a face becomes an emotion."""

    model: Path | None = None
    """Path of a bundle's .tflite with its .json beside it; empty: the one that is shipped."""

    threads: int = Field(default=1, ge=1, le=16)
    """Threads of the network. One face takes well under a frame's time on one."""

    min_confidence: float | None = Field(default=None, ge=0, le=1)
    """Probability below which the emotion is 'uncertain'; empty: what the model's card says."""

    hold_s: float = Field(default=0.4, ge=0)
    """Seconds that a new emotion must last before it is published, so that a blink is not a mood."""


class MqttConfig(_Section):
    """Where events go."""

    url: Annotated[str, AfterValidator(_check_url)] = "mqtt://localhost"
    """mqtt://[user@]host[:port] | mqtts://… | embedded (a broker beside the daemon, for trying things) | none"""

    device: str = Field(default_factory=_hostname, pattern=r"^[^/+#\s\x00-\x1f$][^/+#\x00-\x1f]*$", max_length=64)
    """The device's name in its topics; the host's name unless set."""

    base_topic: str = Field(default=BASE, pattern=r"^[^+#\x00-\x1f$/]+(/[^+#\x00-\x1f/]+)*$", max_length=128)
    """First part of every topic."""

    password_file: Path | None = None
    """File with the password of the address's user, on one line."""

    ca_file: Path | None = None
    """Certificates that sign the broker's, for mqtts://; empty: the system's."""

    cert_file: Path | None = None
    """This device's certificate, where the broker asks for one."""

    key_file: Path | None = None
    """The key of cert_file."""

    @property
    def broker(self) -> Broker:
        """What `url` says."""
        return parse_broker(self.url)

    @model_validator(mode="after")
    def _files_go_together(self) -> MqttConfig:
        if (self.cert_file is None) != (self.key_file is None):
            message = "cert_file and key_file go together"
            raise ValueError(message)
        if not self.broker.tls and (self.ca_file or self.cert_file):
            message = "ca_file and cert_file need an address that starts with mqtts://"
            raise ValueError(message)
        if self.password_file and not self.broker.user:
            message = "password_file needs a user in the address: mqtt://user@host"
            raise ValueError(message)
        return self


class OutboxConfig(_Section):
    """How much is kept while the broker is away."""

    path: Path | None = None
    """File for events that wait for more than a second; empty: in systemd's state directory, or the user's."""

    max_events: int = Field(default=100_000, ge=1)
    """Events; beyond it the oldest are dropped, and counted. An event takes about 600 bytes."""

    max_age_h: float = Field(default=168.0, gt=0)
    """Hours; older events are dropped, and counted."""


class HomeAssistantConfig(_Section):
    """How Home Assistant learns of this device."""

    enabled: bool = True
    """Announce the device, so that it appears by itself; false takes it away again."""

    prefix: str = Field(default=HOME_ASSISTANT, pattern=r"^[^+#\x00-\x1f$/]+(/[^+#\x00-\x1f/]+)*$", max_length=128)
    """First part of the topics that Home Assistant listens to; its own default is the same."""


class HealthConfig(_Section):
    """How often the device tells how it is."""

    every_s: float = Field(default=30.0, ge=1)
    """Seconds between two health messages."""


class Settings(_Section):
    """Everything that can be set."""

    camera: CameraConfig = CameraConfig()
    faces: FacesConfig = FacesConfig()
    emotion: EmotionConfig = EmotionConfig()
    mqtt: MqttConfig = Field(default_factory=MqttConfig)
    outbox: OutboxConfig = OutboxConfig()
    homeassistant: HomeAssistantConfig = HomeAssistantConfig()
    health: HealthConfig = HealthConfig()
