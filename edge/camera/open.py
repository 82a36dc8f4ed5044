"""From what the user wrote to an open camera."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.camera.source import ALLOWED, Source, SourceKind, parse_source
from edge.errors import CameraError
from edge.files import is_there
from edge.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.camera import Camera
    from edge.config import Broker, CameraConfig

# Each adapter is imported where it is opened: no camera needs what only another one uses, and doctor starts without
# OpenCV, to say that it is missing.

log = logging.getLogger(__name__)

_PATHS: dict[Path, Path] = {}
"""Of each USB camera that was opened, the path that stays: after it is plugged in again, ``/dev/video0`` may be another
camera, or none."""


def open_camera(config: CameraConfig, broker: Broker, seed: int = 0) -> Camera:
    """Return the camera that ``camera.source`` names, open, and turned as ``camera.rotate`` says.

    Args:
        config: What the user wrote; size and rate are asked of a live camera.
        broker: Decides whether ``auto`` may fall back to the test card.
        seed: Decides what the test card shows.

    Raises:
        CameraError: There is no such camera or clip, or it cannot be opened.
        ConfigError: The source is none of those that are allowed.
    """
    source = parse_source(config.source)
    if source.kind is SourceKind.AUTO:
        source = _find(broker)
    if source.kind is SourceKind.TEST_CARD:
        camera = _open_test_card(config, seed)
    else:
        camera = _ADAPTERS[source.kind](source, config)
    return camera if source.kind is SourceKind.CSI else _rotated(camera, config.rotate)


def _rotated(camera: Camera, degrees: int) -> Camera:
    if not degrees:
        return camera
    from edge.camera.rotated import Rotated  # noqa: PLC0415

    return Rotated(camera, degrees)


def _find(broker: Broker) -> Source:
    from edge.camera.probe import connected_cameras  # noqa: PLC0415

    connected = connected_cameras()
    source = connected.auto(broker)
    if source.kind is SourceKind.TEST_CARD:
        log.warning("no camera found, so the test card is shown: a synthetic person (%s)", connected)
    return source


def _open_test_card(config: CameraConfig, seed: int) -> Camera:
    from edge.camera.testcard import TestCard  # noqa: PLC0415
    from edge.testcard import Scene  # noqa: PLC0415

    return TestCard(Scene(config.width, config.height, seed=seed), config.fps)


def _open_csi(source: Source, config: CameraConfig) -> Camera:
    from edge.camera.picamera import Picamera  # noqa: PLC0415

    camera = Picamera(source.number, config)
    return _rotated(camera, config.rotate - camera.rotated)


def _open_usb(source: Source, config: CameraConfig) -> Camera:
    from edge.camera.v4l2 import stable_path  # noqa: PLC0415
    from edge.camera.webcam import Webcam  # noqa: PLC0415

    if is_there(source.path):
        _PATHS.setdefault(source.path, stable_path(source.path))
    return Webcam(_PATHS.get(source.path, source.path), (config.width, config.height), config.fps)


def _open_stream(source: Source, config: CameraConfig) -> Camera:
    from edge.camera.stream import NetworkStream  # noqa: PLC0415

    return NetworkStream(source.url, config.stall_s)


def _open_file(source: Source, config: CameraConfig) -> Camera:
    from edge.camera.clip import Clip  # noqa: PLC0415
    from edge.camera.folder import ImageFolder  # noqa: PLC0415

    path, shown = source.path, redact(config.source)
    try:
        if path.is_dir():
            return ImageFolder(path, config.fps)
        if not path.exists():
            message = f"camera.source: {shown!r}: no camera has this name and no such file exists; write {ALLOWED}"
            raise CameraError(message)
        if not path.is_file():
            message = f"camera.source: {shown!r}: neither a file nor a folder; write {ALLOWED}"
            raise CameraError(message)
    except OSError as error:
        message = f"camera.source: {shown!r}: {error.strerror}; write {ALLOWED}"
        raise CameraError(message) from None
    return Clip(path, fallback_fps=config.fps)


_ADAPTERS: dict[SourceKind, Callable[[Source, CameraConfig], Camera]] = {
    SourceKind.CSI: _open_csi,
    SourceKind.USB: _open_usb,
    SourceKind.STREAM: _open_stream,
    SourceKind.FILE: _open_file,
}
"""How each kind of source but the test card is opened."""
