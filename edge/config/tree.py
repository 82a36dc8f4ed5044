"""The settings, each with its unit and the reason for its default."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from edge.config.broker import Broker, parse_broker
from edge.config.feeds import FramesConfig, LslConfig, SummaryConfig
from edge.config.hooks import HookConfig, one_for_each
from edge.config.preview import PreviewConfig
from edge.config.section import Section
from edge.wire.topics import BASE, HOME_ASSISTANT

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET_FILES = frozenset({"password_file", "token_file"})
"""Keys that name a file with a secret. A user may write the secret itself there by mistake."""


def _check_prefix(topic: str) -> str:
    if not re.fullmatch(r"[^+#$/]+(/[^+#/]+)*", topic):
        message = (
            "not the first part of a topic: write words without '+' and '#', the first without '$', and '/' between"
        )
        raise ValueError(message)
    return topic


def _check_device(name: str) -> str:
    if not re.fullmatch(r"[^/+#\s$][^/+#]*", name):
        message = (
            "not a device's name: write one without '/', '+' and '#' that begins neither with '$' nor with a blank"
        )
        raise ValueError(message)
    return name


_TopicPrefix = Annotated[str, Field(max_length=128), AfterValidator(_check_prefix)]


def _hostname() -> str:
    """Return the host's name, with characters that a topic cannot hold replaced by ``-``."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", socket.gethostname().split(".")[0]).strip("-") or "emotion-edge"


def _number(value: object) -> object:
    """Return the number in a text from the environment; `Literal` does not convert it itself."""
    return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,3}", value) else value


def _check_url(url: str) -> str:
    parse_broker(url)
    return url


class CameraConfig(Section):
    """Where frames come from."""

    source: str = Field(default="auto", min_length=1)
    """auto | picamera2[:N] | /dev/videoN | a clip | a folder of images | rtsp://… | testcard"""

    width: int = Field(default=640, ge=64, le=4096)
    """Pixels, requested from a live camera, which delivers what it can. A clip keeps its own size."""

    height: int = Field(default=480, ge=64, le=4096)
    """Pixels."""

    fps: float = Field(default=15.0, gt=0, le=120)
    """Frames per second, requested from a live camera. Expressions last half a second and more: 15 is enough."""

    rotate: Annotated[Literal[0, 90, 180, 270], BeforeValidator(_number)] = 0
    """Degrees clockwise, for a camera mounted on its side or upside down."""

    focus_m: float | None = Field(default=None, gt=0, le=1000)
    """Metres at which a CSI camera with a movable lens is focused; empty: it focuses by itself, all the time."""

    low_light_fps: float | None = Field(default=None, gt=0, le=120)
    """Frames per second down to which a CSI camera may slow in the dark, to expose longer; empty: it keeps to fps."""

    stall_s: float = Field(default=5.0, ge=2)
    """Seconds without a frame until the camera counts as stalled and is reopened; at least two frames' time."""

    give_up_s: float = Field(default=60.0, gt=0)
    """Seconds without a camera until the daemon ends with exit code 3, and systemd starts it again."""

    @model_validator(mode="after")
    def _check_stall(self) -> CameraConfig:
        if self.stall_s * self.fps < 2:
            message = f"at {self.fps:g} fps two frames take longer than stall_s = {self.stall_s:g}; raise one of them"
            raise ValueError(message)
        slowest = self.low_light_fps
        if slowest is not None and not 2 / self.stall_s <= slowest <= self.fps:
            message = (
                f"low_light_fps = {slowest:g} must lie between two frames in stall_s ({2 / self.stall_s:g}) and fps"
            )
            raise ValueError(message)
        return self


class FacesConfig(Section):
    """Which faces are found."""

    min_height: int = Field(default=72, ge=16)
    """Pixels of the smallest face. Half of it costs about four times the search; 72 of 480 is a face at 2 m."""

    max_faces: int = Field(default=8, ge=1, le=64)
    """Most faces followed at once; those that came first are kept."""

    notice_s: float = Field(default=0.3, gt=0)
    """Seconds within which a new face should be noticed; it decides how often the picture is searched.
    Below another face, where bodies move and prints on shirts are, it may take 8 times as long."""

    min_score: float | None = Field(default=None, ge=0, le=1)
    """Minimum face score, 0 to 1: below it, it is no face. Empty: what the model's card says. 0: no minimum."""


class EmotionConfig(Section):
    """How emotions are read."""

    model: Path | None = None
    """Path of a bundle's .tflite, its .json beside it; empty: the shipped one."""

    threads: int = Field(default=1, ge=1, le=16)
    """Threads of the network. With one thread a face takes well under a frame's time."""

    min_confidence: float | None = Field(default=None, ge=0, le=1)
    """Probability, 0 to 1, below which the emotion is 'uncertain'; empty: what the model's card says."""

    balance: float | None = Field(default=None, ge=0, le=1)
    """How much rare emotions are favoured, 0 to 1. 0 expects emotions as often as in the training data, a third of them
    neutral; 1 expects each equally often. Empty: what the model's card says."""

    hold_s: float = Field(default=0.4, ge=0)
    """Seconds that a new emotion must last before it is published, so that a blink is no change."""


class MqttConfig(Section):
    """Where events go."""

    url: Annotated[str, AfterValidator(_check_url)] = "mqtt://localhost"
    """mqtt://[user@]host[:port] | mqtts://… | embedded (a broker beside the daemon, for trying things) | none"""

    device: Annotated[str, AfterValidator(_check_device)] = Field(default_factory=_hostname, max_length=64)
    """The device's name in its topics; by default the host's name."""

    base_topic: _TopicPrefix = BASE
    """First part of every topic."""

    password_file: Path | None = None
    """File with the password of the user in the address, on one line; empty: no password."""

    ca_file: Path | None = None
    """Certificates that sign the broker's, for mqtts://; empty: the system's."""

    cert_file: Path | None = None
    """This device's certificate, if the broker asks for one; empty: none."""

    key_file: Path | None = None
    """The key of cert_file; empty: none."""

    @property
    def broker(self) -> Broker:
        """The broker that `url` names."""
        return parse_broker(self.url)

    @model_validator(mode="after")
    def _check_files(self) -> MqttConfig:
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


class OutboxConfig(Section):
    """How many events are kept while the broker is away."""

    path: Path | None = None
    """File for events that wait for more than a second; empty: one in the state directory of systemd or the user."""

    max_events: int = Field(default=100_000, ge=1)
    """Most events; the oldest beyond it are dropped and counted. An event takes about 600 bytes."""

    max_age_h: float = Field(default=168.0, gt=0)
    """Hours; older events are dropped and counted."""


class HomeAssistantConfig(Section):
    """Discovery by Home Assistant."""

    enabled: bool = True
    """Announce the device, so that it appears by itself; false removes it again."""

    prefix: _TopicPrefix = HOME_ASSISTANT
    """First part of Home Assistant's discovery topics; the default is Home Assistant's own."""


class HealthConfig(Section):
    """How often health is published."""

    every_s: float = Field(default=30.0, ge=1)
    """Seconds between two health messages."""


class Settings(Section):
    """All settings."""

    camera: CameraConfig = CameraConfig()
    faces: FacesConfig = FacesConfig()
    emotion: EmotionConfig = EmotionConfig()
    frames: FramesConfig = FramesConfig()
    preview: PreviewConfig = PreviewConfig()
    hooks: Annotated[tuple[HookConfig, ...], BeforeValidator(one_for_each)] = ()
    mqtt: MqttConfig = Field(default_factory=MqttConfig)
    outbox: OutboxConfig = OutboxConfig()
    homeassistant: HomeAssistantConfig = HomeAssistantConfig()
    lsl: LslConfig = LslConfig()
    summary: SummaryConfig = SummaryConfig()
    health: HealthConfig = HealthConfig()

    def sections(self) -> Iterator[tuple[str, Section]]:
        """Yield each section by its name; `hooks` is none, but a list of tables."""
        for name in type(self).model_fields:
            if isinstance(section := getattr(self, name), Section):
                yield name, section
