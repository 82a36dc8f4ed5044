"""Checks of the camera: is there what `camera.source` asks for, and may we use it?"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edge.doctor.finding import Finding
from edge.doctor.host import connect_problem

if TYPE_CHECKING:
    from edge.config import Settings
    from edge.daemon.health import Machine

_ASK_S = 20.0
"""The camera stack may hang (picamera2 issue 962): it is asked in a process of its own, for so many seconds."""

_LIST_CSI = """
import json
from picamera2 import Picamera2
print(json.dumps([c["Model"] for c in Picamera2.global_camera_info() if "/usb" not in c["Id"]]))
"""

_SYSTEM_PYTHON = "/usr/bin/python3"

_QUERYCAP = 0x80685600
"""VIDIOC_QUERYCAP of linux/videodev2.h: fills the 104 bytes of a ``struct v4l2_capability``."""

_CAPTURE = 0x1
"""V4L2_CAP_VIDEO_CAPTURE."""

_PI_DRIVERS = {"unicam", "rp1-cfe", "bcm2835-isp", "pispbe", "bcm2835-codec", "rpivid", "rpi-hevc-dec"}
"""Devices of a Pi's own CSI path and codecs: they call themselves video devices, but give no picture alone."""

_PORTS = {"rtsp": 554, "http": 80}

_LIST_CAMERAS = "rpicam-hello --list-cameras  # if it sees none: power off, reseat the ribbon cable"
_MEND_SOURCE = "emotion-edge config show  # then mend camera.source"
_JOIN_VIDEO = "sudo usermod -aG video $USER  # then log in again"


def camera(settings: Settings, machine: Machine, dev: Path = Path("/dev")) -> Finding:
    """Is there the camera that the configuration asks for? Without one the daemon ends with exit code 3."""
    source = settings.camera.source
    if source == "testcard":
        return Finding("camera", "ok", "the test card: it shows nobody, and its events are marked as synthetic")
    if source == "auto":
        pi = machine.model().startswith("Raspberry Pi")
        return _auto(dev, pi=pi, real=settings.mqtt.broker.kind == "network")
    if source.split(":")[0] == "picamera2":
        number = source.partition(":")[2]
        return _csi(int(number) if number.isdecimal() else 0)
    if "://" in source:
        return _stream(source)
    return _file(Path(source))


def _auto(dev: Path, *, pi: bool, real: bool) -> Finding:
    first, second = _csi(), _usb(dev)
    for finding in (first, second):
        if finding.status == "ok":
            return finding
    found = f"{first.found}; {second.found}"
    cure = second.cure or (first.cure if pi else "connect a USB camera, or set camera.source")
    if real:
        return Finding("camera", "broken", found, cure)
    return Finding("camera", "warning", f"{found}; the test card takes its place", cure)


def _csi(number: int = 0) -> Finding:
    try:
        answer = _run(sys.executable, _LIST_CSI)
    except subprocess.TimeoutExpired:
        return Finding("camera", "broken", f"the camera stack did not answer within {_ASK_S:.0f} s", "sudo reboot")
    if answer.returncode == 0:
        names = json.loads(answer.stdout.splitlines()[-1])
        if number < len(names):
            return Finding("camera", "ok", f"CSI: {', '.join(names)}")
        found = f"no CSI camera {number}, only {', '.join(names)}" if names else "no CSI camera is connected"
        return Finding("camera", "broken", found, _LIST_CAMERAS)
    reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
    if not reason.startswith(("ModuleNotFoundError", "ImportError")):
        return Finding("camera", "broken", f"Picamera2 fails: {reason}", _LIST_CAMERAS)
    return Finding("camera", "broken", f"no Picamera2 here ({reason})", picamera2_cure())


def picamera2_cure() -> str:
    """Tell an environment that hides the system's packages from a system without them."""
    if sys.prefix != sys.base_prefix and Path(_SYSTEM_PYTHON).exists():
        try:
            hidden = _run(_SYSTEM_PYTHON, "import libcamera, picamera2").returncode == 0
        except subprocess.TimeoutExpired:
            hidden = False
        if hidden:
            change = "s/^include-system-site-packages = false/include-system-site-packages = true/"
            return f"sed -i '{change}' {sys.prefix}/pyvenv.cfg"
    return "sudo apt install python3-picamera2"


def _run(python: str, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=_ASK_S, check=False)


def _usb(dev: Path) -> Finding:
    devices = sorted(dev.glob("video[0-9]*"))
    refused = None
    for device in devices:
        try:
            if name := _webcam_name(device):
                return Finding("camera", "ok", f"USB: {name} at {device}")
        except PermissionError:
            refused = device
    if refused:
        return Finding("camera", "broken", f"{refused} may not be opened by this user", _JOIN_VIDEO)
    return Finding("camera", "broken", f"no USB camera among {len(devices)} video devices")


def _webcam_name(device: Path) -> str | None:
    """Give the name that a V4L2 capture device calls itself by, or None where it is not one.

    Raises:
        PermissionError: This user may not open it.
    """
    capability = bytearray(104)
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(descriptor, _QUERYCAP, capability)
        finally:
            os.close(descriptor)
    except PermissionError:
        raise
    except OSError:  # gone meanwhile, or no V4L2 device
        return None
    driver, card, flags = struct.unpack_from("16s32s40xI", capability)
    if not flags & _CAPTURE or _c_string(driver) in _PI_DRIVERS:
        return None
    return _c_string(card)


def _c_string(field: bytes) -> str:
    return field.partition(b"\0")[0].decode(errors="replace")


def _stream(url: str) -> Finding:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443)
    except ValueError as error:
        return Finding("camera", "broken", f"camera.source is no address: {error}", _MEND_SOURCE)
    place = f"{host}:{port}"  # the whole address may hold a password
    if problem := connect_problem(host, port):
        return Finding("camera", "broken", f"{place} does not answer: {problem}", f"ping {host}")
    return Finding("camera", "ok", f"{place} answers")


def _file(path: Path) -> Finding:
    if not path.exists():
        return Finding("camera", "broken", f"{path} does not exist", _MEND_SOURCE)
    if not os.access(path, os.R_OK | (os.W_OK if path.is_char_device() else 0)):
        cure = _JOIN_VIDEO if path.is_char_device() else f"sudo chmod a+r '{path}'"
        return Finding("camera", "broken", f"{path} may not be read by this user", cure)
    if path.is_char_device() and _webcam_name(path) is None:
        return Finding("camera", "broken", f"{path} is no camera", "v4l2-ctl --list-devices")
    return Finding("camera", "ok", str(path))
