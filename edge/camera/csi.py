"""The Raspberry Pi's own cameras (CSI) that are connected, as Picamera2 lists them.

Picamera2 comes with the system, not with this program, and loads the camera
stack when it is imported: nothing here imports it before a camera is wanted.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from edge.errors import CameraError, CameraHangError

if TYPE_CHECKING:
    from collections.abc import Callable

ASK_S = 20.0
"""Seconds that the camera stack has to answer in a process of its own: it may hang (picamera2 issue 962)."""


class NoPicamera2Error(CameraError):
    """Picamera2 is not installed, does not load, or is hidden from this virtual environment."""


@dataclass(frozen=True)
class CsiCamera:
    """A CSI camera that is connected."""

    number: int
    """As ``picamera2:N`` takes it."""

    model: str
    """``imx708``."""


ListCsi: TypeAlias = "Callable[[], tuple[CsiCamera, ...]]"
"""What lists the CSI cameras: `csi_cameras`, or `csi_cameras_in_subprocess`."""


def csi_cameras() -> tuple[CsiCamera, ...]:
    """Return the CSI cameras that are connected.

    Raises:
        NoPicamera2Error: Picamera2 is missing or does not load; the message names the fix.
        CameraError: The camera stack failed.
    """
    try:
        cameras = load_picamera2().Picamera2.global_camera_info()
    except RuntimeError as error:
        message = f"the camera stack failed: {error}; check the ribbon cable"
        raise CameraError(message) from error
    # The number is the place in this list, in which libcamera shows USB cameras too.
    return tuple(
        CsiCamera(number, camera["Model"]) for number, camera in enumerate(cameras) if "/usb" not in camera["Id"]
    )


def csi_cameras_in_subprocess() -> tuple[CsiCamera, ...]:
    """Return what `csi_cameras` returns, asked in a process of its own, which a hanging camera stack cannot stop.

    Raises:
        NoPicamera2Error: As `csi_cameras`.
        CameraError: As `csi_cameras`; also where the process crashed.
        CameraHangError: No answer came within `ASK_S`.
    """
    # -P: a picamera2.py in the current folder is not the system's.
    command = [sys.executable, "-P", "-m", __name__]
    try:
        # Libraries may print what the locale's encoding does not have.
        asked = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=ASK_S, check=False)
    except subprocess.TimeoutExpired:
        message = f"the camera stack did not answer within {ASK_S:g} s; only a reboot may help"
        raise CameraHangError(message) from None
    if asked.returncode:
        reason = (asked.stderr.strip().splitlines() or [f"exit status {asked.returncode}"])[-1]
        message = f"the camera stack crashed: {reason}"
        raise CameraError(message)
    answer = json.loads(asked.stdout.splitlines()[-1])  # libraries may have printed lines before it
    if "error" in answer:
        raise (NoPicamera2Error if answer["missing"] else CameraError)(answer["error"])
    return tuple(CsiCamera(**camera) for camera in answer["cameras"])


def load_picamera2() -> Any:
    """Return the module picamera2.

    Raises:
        NoPicamera2Error: It is missing or does not load; the message names the fix.
        RuntimeError: The camera stack failed.
    """
    try:
        return importlib.import_module("picamera2")
    except ModuleNotFoundError as error:
        message = (
            f"the Raspberry Pi's own cameras need the Python module {error.name or error}, which is missing; "
            "'sudo apt install python3-picamera2', then 'make run' or 'sudo make install' again"
        )
        raise NoPicamera2Error(message) from None
    except (ImportError, ValueError) as error:  # ValueError: built for another numpy
        message = (
            f"picamera2 does not load: {error}; "
            "take numpy out of the virtual environment, so that it is the system's: 'pip uninstall numpy'"
        )
        raise NoPicamera2Error(message) from error


def transform(*, hflip: bool, vflip: bool) -> Any:
    """Return libcamera's ``Transform`` that mirrors pictures."""
    return importlib.import_module("libcamera").Transform(hflip=hflip, vflip=vflip)


def _answer() -> dict[str, Any]:
    try:
        return {"cameras": [asdict(camera) for camera in csi_cameras()]}
    except CameraError as error:
        return {"error": str(error), "missing": isinstance(error, NoPicamera2Error)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_answer()) + "\n")
