"""From plain settings to libcamera's controls, as far as a camera has them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.config import CameraConfig

log = logging.getLogger(__name__)

_MANUAL, _CONTINUOUS = 0, 2
"""Of libcamera.controls.AfModeEnum."""

_MICROSECONDS = 1_000_000


def camera_controls(config: CameraConfig, has: Mapping[str, tuple[Any, Any, Any]], name: str) -> dict[str, Any]:
    """Return the controls to set, within the camera's limits. What it cannot do is logged.

    Args:
        config: What the user wants.
        has: Least, most and usual value of each control that the camera has in its mode, as Picamera2 says.
        name: The camera's, for the log.
    """
    return {**_frame_rate(config, has, name), **_focus(config, has, name)}


def _frame_rate(config: CameraConfig, has: Mapping[str, tuple[Any, Any, Any]], name: str) -> dict[str, Any]:
    """Return the shortest and the longest time of a frame, in µs: the longest bounds the exposure."""
    limits = has.get("FrameDurationLimits")
    if limits is None:
        log.warning("%s has a frame rate of its own; camera.fps has no effect", name)
        return {}
    slowest = config.low_light_fps or config.fps
    shortest, longest = (_within(round(_MICROSECONDS / fps), limits) for fps in (config.fps, slowest))
    if shortest > round(_MICROSECONDS / config.fps):
        log.warning(
            "%s gives at most %.4g frames/s of this size, and not %g", name, _MICROSECONDS / shortest, config.fps
        )
    return {"FrameDurationLimits": (shortest, longest)}


def _focus(config: CameraConfig, has: Mapping[str, tuple[Any, Any, Any]], name: str) -> dict[str, Any]:
    if "AfMode" not in has:
        if config.focus_m is not None:
            log.warning("%s has a fixed lens; camera.focus_m has no effect", name)
        return {}
    if config.focus_m is None:
        return {"AfMode": _CONTINUOUS}
    dioptres = _within(1 / config.focus_m, has["LensPosition"]) if "LensPosition" in has else 1 / config.focus_m
    return {"AfMode": _MANUAL, "LensPosition": dioptres}


def _within(value: float, limits: tuple[Any, Any, Any]) -> Any:
    least, most, _ = limits
    return min(max(value, least), most)
