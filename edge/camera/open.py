"""From what the user wrote to an open camera."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from edge.camera.rotated import Rotated
from edge.errors import CameraError, ConfigError

if TYPE_CHECKING:
    from edge.camera import Camera
    from edge.config import Broker, CameraConfig

# Each adapter is imported where it is opened, so that no camera needs what only another one uses.

log = logging.getLogger(__name__)

ALLOWED = "auto, picamera2[:N], /dev/videoN, a clip's path, a folder of images, rtsp://… or testcard"
"""What a user may write."""


def open_camera(config: CameraConfig, broker: Broker) -> Camera:
    """Open the camera that ``camera.source`` names, turned as ``camera.rotate`` says.

    ``auto`` takes a CSI camera, else a USB camera, else, with an embedded
    broker or none, the test card: on a real broker nothing is ever invented.

    Raises:
        CameraError: There is no such camera or clip, or it cannot be opened.
        ConfigError: The source is none of those that are allowed.
    """
    camera = _open_source(config, broker)
    return Rotated(camera, config.rotate) if config.rotate else camera


def _open_source(config: CameraConfig, broker: Broker) -> Camera:
    source = config.source
    scheme, separator, _ = source.partition("://")
    if source == "auto":
        return _open_auto(config, broker)
    if source == "testcard":
        return _open_testcard(config)
    if source == "picamera2" or source.startswith("picamera2:"):
        return _open_picamera(config)
    if separator:
        return _open_stream(config, scheme)
    if source.startswith("/dev/"):
        return _open_webcam(config, Path(source))
    return _open_file(config)


def _open_auto(config: CameraConfig, broker: Broker) -> Camera:
    from edge.camera.picamera import Picamera, csi_cameras  # noqa: PLC0415
    from edge.camera.v4l2 import usb_cameras  # noqa: PLC0415

    without_csi = "none is connected"
    try:
        numbers = csi_cameras()
    except CameraError as error:
        numbers, without_csi = [], str(error)
    if numbers:
        return Picamera(numbers[0], (config.width, config.height), config.fps, timeout_s=config.stall_s)
    if devices := usb_cameras():
        return _open_webcam(config, devices[0])
    if broker.kind == "network":
        message = (
            f"no camera found; plug one in, or write --camera testcard to try without "
            f"(USB: none is plugged in; CSI: {without_csi})"
        )
        raise CameraError(message)
    log.warning(
        "no camera found, so the test card is shown: a synthetic person (USB: none is plugged in; CSI: %s)", without_csi
    )
    return _open_testcard(config)


def _open_testcard(config: CameraConfig) -> Camera:
    from edge.camera.testcard import TestCard  # noqa: PLC0415
    from edge.testcard import Scene  # noqa: PLC0415

    return TestCard(Scene(config.width, config.height), config.fps)


def _open_picamera(config: CameraConfig) -> Camera:
    from edge.camera.picamera import Picamera  # noqa: PLC0415

    number = re.fullmatch(r"picamera2(?::(\d{1,2}))?", config.source)
    if not number:
        message = f"camera.source: {config.source!r}: write picamera2, or picamera2:1 for the second camera"
        raise ConfigError(message)
    return Picamera(int(number[1] or 0), (config.width, config.height), config.fps, timeout_s=config.stall_s)


def _open_stream(config: CameraConfig, scheme: str) -> Camera:
    from edge.camera.stream import SCHEMES, NetworkStream  # noqa: PLC0415

    if scheme not in SCHEMES:
        message = f"camera.source: addresses that start with {scheme}:// are not known; write {ALLOWED}"
        raise ConfigError(message)
    return NetworkStream(config.source, config.stall_s)


def _open_webcam(config: CameraConfig, device: Path) -> Camera:
    from edge.camera.v4l2 import stable_path  # noqa: PLC0415
    from edge.camera.webcam import Webcam  # noqa: PLC0415

    return Webcam(stable_path(device), (config.width, config.height), config.fps)


def _open_file(config: CameraConfig) -> Camera:
    from edge.camera.clip import Clip  # noqa: PLC0415
    from edge.camera.folder import ImageFolder  # noqa: PLC0415

    try:
        path = Path(config.source).expanduser()
        if path.is_dir():
            return ImageFolder(path, config.fps)
        if not path.exists():
            message = (
                f"camera.source: {config.source!r}: no camera has this name and no such file exists; write {ALLOWED}"
            )
            raise CameraError(message)
        if not path.is_file():
            message = f"camera.source: {config.source!r}: neither a file nor a folder; write {ALLOWED}"
            raise CameraError(message)
    except (OSError, RuntimeError) as error:  # the latter from a '~user' that is not there
        message = f"camera.source: {config.source!r}: {error}"
        raise CameraError(message) from None
    return Clip(path, fallback_fps=config.fps)
