"""Check of the camera: is there what `camera.source` asks for, and may we use it?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.camera import v4l2
from edge.camera.csi import ASK_S, NoPicamera2Error, csi_cameras_in_subprocess
from edge.camera.open import open_camera
from edge.camera.probe import Connected, connected_cameras
from edge.camera.source import Source, SourceKind, parse_source
from edge.doctor.finding import Finding
from edge.doctor.host import connect_problem
from edge.errors import CameraError, CameraHangError, ConfigError, EdgeError
from edge.redaction import redact

if TYPE_CHECKING:
    from edge.config import Settings
    from edge.system.machine import Machine

_NAME = "camera"
_SYSTEM_PYTHON = "/usr/bin/python3"
_INSTALLED = Path("/opt/emotion-edge")
_PACKAGED = Path("/usr/lib/emotion-edge")
_APT = "sudo apt install python3-picamera2"

_LIST_CSI = "rpicam-hello --list-cameras  # if it sees none: power off, reseat the ribbon cable"
_CORRECT_SOURCE = "emotion-edge config show  # then correct camera.source"
_CONNECT_USB = "connect a USB camera, or set camera.source"


def camera(settings: Settings, machine: Machine, dev: Path = v4l2.DEV) -> Finding:
    """Return whether the camera is there that the configuration asks for. Without one the daemon ends with exit code 3.

    Live cameras are looked for but not opened, as the daemon may be using them. Clips and folders are opened.

    Args:
        settings: Those in force.
        machine: Whether it is a Raspberry Pi decides what is advised.
        dev: Where device nodes are.
    """
    try:
        source = parse_source(settings.camera.source)
        match source.kind:
            case SourceKind.AUTO:
                finding = _auto(settings, machine, dev)
            case SourceKind.CSI:
                finding = _csi(source.number)
            case SourceKind.USB:
                finding = _usb(source.path)
            case SourceKind.STREAM:
                finding = _stream(source)
            case SourceKind.TEST_CARD | SourceKind.FILE:
                finding = _recorded(settings)
    except v4l2.NodeDeniedError as error:
        return Finding(_NAME, "broken", str(error), v4l2.JOIN_VIDEO)
    except (CameraError, ConfigError) as error:
        return Finding(_NAME, "broken", str(error), _CORRECT_SOURCE)
    return finding


def _auto(settings: Settings, machine: Machine, dev: Path) -> Finding:
    connected = connected_cameras(csi_cameras_in_subprocess, dev)
    fix = _fix_of_auto(connected, pi=machine.model().startswith("Raspberry Pi"))
    try:
        chosen = connected.auto(settings.mqtt.broker)
    except CameraError:
        return Finding(_NAME, "broken", f"no camera found ({connected})", fix)
    if chosen.kind is SourceKind.TEST_CARD:
        return Finding(_NAME, "warning", f"no camera found ({connected}); the test card takes its place", fix)
    if chosen.kind is SourceKind.CSI:
        return Finding(_NAME, "ok", f"CSI: {', '.join(one.model for one in connected.csi)}")
    first = connected.usb.cameras[0]
    return Finding(_NAME, "ok", f"USB: {first.name} at {first.path}")


def _csi(number: int) -> Finding:
    try:
        cameras = csi_cameras_in_subprocess()
    except (CameraError, CameraHangError) as error:
        return Finding(_NAME, "broken", str(error), _fix_of_csi(error))
    models = ", ".join(one.model for one in cameras)
    if number in {one.number for one in cameras}:
        return Finding(_NAME, "ok", f"CSI: {models}")
    return Finding(_NAME, "broken", f"no CSI camera {number}; connected: {models or 'none'}", _LIST_CSI)


def _usb(node: Path) -> Finding:
    v4l2.check_node(node)
    return Finding(_NAME, "ok", f"USB: {node}")


def _recorded(settings: Settings) -> Finding:
    opened = open_camera(settings.camera, settings.mqtt.broker)
    opened.close()
    if opened.synthetic:
        return Finding(_NAME, "ok", "the test card: it shows nobody, and its events are marked as synthetic")
    return Finding(_NAME, "ok", redact(settings.camera.source))


def _fix_of_auto(connected: Connected, *, pi: bool) -> str:
    """Return what to do where `auto` finds no camera."""
    if connected.usb.refused:
        return v4l2.JOIN_VIDEO
    return _fix_of_csi(connected.csi_error) if pi else _CONNECT_USB


def _fix_of_csi(error: EdgeError | None) -> str:
    if isinstance(error, CameraHangError):
        return "sudo reboot"
    return picamera2_fix() if isinstance(error, NoPicamera2Error) else _LIST_CSI


def picamera2_fix() -> str:
    """Return the commands that install Picamera2 and make the environment anew, so that it sees it.

    The system's numpy has to come with it: Picamera2 is built for that one, and pip's would hide it.
    """
    if sys.prefix == sys.base_prefix:
        return _APT
    return _environment_anew() if _system_has_picamera2() else f"{_APT} && {_environment_anew()}"


def _system_has_picamera2() -> bool:
    # -I: a picamera2.py in the current folder is not the system's.
    command = [_SYSTEM_PYTHON, "-I", "-c", "import libcamera, picamera2"]
    try:
        return subprocess.run(command, capture_output=True, timeout=ASK_S, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _environment_anew() -> str:
    folder = Path(sys.prefix)
    if folder.is_relative_to(_PACKAGED):  # its environment sees the system's packages
        return "sudo systemctl restart emotion-edge"
    if folder.is_relative_to(_INSTALLED):
        return (
            "sudo make install  # in the folder that emotion-edge was installed from; in an archive's sudo ./install.sh"
        )
    if (folder.parent / "requirements" / "venv.sh").exists():
        return f"make -C '{folder.parent}' run"
    return (
        f"python3 -m venv --clear --system-site-packages '{folder}'  "
        "# then install emotion-edge into it again, without numpy"
    )


def _stream(source: Source) -> Finding:
    shown = redact(source.url)
    problem = connect_problem(source.host, source.port)
    if not problem:
        return Finding(_NAME, "ok", f"{shown} answers")
    # Where a password holds a / ? # or @, what looks like the host may be a part of it.
    fix = f"ping {source.host}  # then correct camera.source" if source.host in shown else _CORRECT_SOURCE
    return Finding(_NAME, "broken", f"{shown} does not answer: {problem}", fix)
