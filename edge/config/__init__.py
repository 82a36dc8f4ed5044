"""One frozen settings tree: defaults < TOML file < environment < flags."""

from edge.config.broker import Broker, parse_broker
from edge.config.feeds import FramesConfig, LslConfig, SummaryConfig
from edge.config.hooks import HookConfig
from edge.config.listen import ListenAddress, parse_listen
from edge.config.load import SYSTEM_FILE, load, system_file
from edge.config.preview import PreviewConfig
from edge.config.render import example, show
from edge.config.tree import (
    CameraConfig,
    EmotionConfig,
    FacesConfig,
    HealthConfig,
    HomeAssistantConfig,
    MqttConfig,
    OutboxConfig,
    Settings,
)

__all__ = [
    "SYSTEM_FILE",
    "Broker",
    "CameraConfig",
    "EmotionConfig",
    "FacesConfig",
    "FramesConfig",
    "HealthConfig",
    "HomeAssistantConfig",
    "HookConfig",
    "ListenAddress",
    "LslConfig",
    "MqttConfig",
    "OutboxConfig",
    "PreviewConfig",
    "Settings",
    "SummaryConfig",
    "example",
    "load",
    "parse_broker",
    "parse_listen",
    "show",
    "system_file",
]
