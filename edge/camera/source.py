"""What ``camera.source`` names: read once here, for whoever opens a camera and whoever checks that there is one."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from edge.errors import CameraError, ConfigError
from edge.redaction import redact

ALLOWED = "auto, picamera2[:N], /dev/videoN, a clip's path, a folder of images, rtsp://… or testcard"
"""What a user may write."""

PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
"""The schemes of a network camera's address and their default ports (rtsps: RFC 7826)."""


class SourceKind(Enum):
    """The kinds of source; each has one adapter, but for `AUTO`, which stands for another kind."""

    AUTO = "auto"
    TEST_CARD = "testcard"
    CSI = "picamera2"
    USB = "usb"
    STREAM = "stream"
    FILE = "file"
    """A clip or a folder of images."""


@dataclass(frozen=True)
class Source:
    """A source of frames, named but not yet opened."""

    kind: SourceKind

    number: int = 0
    """Of a CSI camera: its number, counted from 0."""

    path: Path = Path()
    """Of a USB camera, a clip or a folder."""

    url: str = ""
    """Of a network camera; it may hold a password. The scheme is in lower case."""

    host: str = ""
    """Of a network camera."""

    port: int = 0
    """Of a network camera."""


def parse_source(text: str) -> Source:
    """Return the source that a ``camera.source`` names; nothing is opened.

    Raises:
        ConfigError: It is none of what is allowed.
        CameraError: The home folder that a path begins with does not exist.
    """
    if text in {"auto", "testcard"}:
        return Source(SourceKind(text))
    if text == "picamera2" or text.startswith("picamera2:"):
        return _parse_csi(text)
    if "://" in text:
        return _parse_stream(text)
    if text.startswith("/dev/"):
        return Source(SourceKind.USB, path=Path(text))
    try:
        return Source(SourceKind.FILE, path=Path(text).expanduser())
    except RuntimeError as error:  # a '~user' that does not exist
        message = f"camera.source: {redact(text)!r}: {error}"
        raise CameraError(message) from None


def check_source(text: str) -> None:
    """Check that ``camera.source`` can name a source, whether or not there is one now.

    Raises:
        ConfigError: It is none of what is allowed.
    """
    with suppress(CameraError):  # a home folder may come
        parse_source(text)


def _parse_stream(text: str) -> Source:
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme not in PORTS:
        message = f"camera.source: {redact(text)!r}: such addresses are not known; write {ALLOWED}"
        raise ConfigError(message)
    url = f"{scheme}://{rest}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORTS[scheme]
    except ValueError:  # its text may quote a password
        host, port = None, 0
    if not host:
        message = (
            f"camera.source: {redact(text)!r}: no host can be read from this address; write "
            f"{scheme}://user:password@host:port/path, and in a password %2F for /, %3F for ?, %23 for # and %40 for @"
        )
        raise ConfigError(message)
    return Source(SourceKind.STREAM, url=url, host=host, port=port)


def _parse_csi(text: str) -> Source:
    number = re.fullmatch(r"picamera2(?::([0-9]{1,2}))?", text)
    if not number:
        message = f"camera.source: {redact(text)!r}: write picamera2, or picamera2:1 for the second camera"
        raise ConfigError(message)
    return Source(SourceKind.CSI, number=int(number[1] or 0))
