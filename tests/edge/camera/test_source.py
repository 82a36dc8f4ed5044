from __future__ import annotations

from pathlib import Path

import pytest

from edge.camera.source import Source, SourceKind, parse_source
from edge.errors import CameraError, ConfigError


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("auto", Source(SourceKind.AUTO)),
        ("testcard", Source(SourceKind.TEST_CARD)),
        ("picamera2", Source(SourceKind.CSI)),
        ("picamera2:1", Source(SourceKind.CSI, number=1)),
        ("/dev/video0", Source(SourceKind.USB, path=Path("/dev/video0"))),
        ("/dev/v4l/by-id/usb-C920", Source(SourceKind.USB, path=Path("/dev/v4l/by-id/usb-C920"))),
        ("rtsp://me:Hush@Host/Live", Source(SourceKind.STREAM, url="rtsp://me:Hush@Host/Live", host="host", port=554)),
        ("RTSP://me:Hush@Host/Live", Source(SourceKind.STREAM, url="rtsp://me:Hush@Host/Live", host="host", port=554)),
        ("Https://host/mjpg", Source(SourceKind.STREAM, url="https://host/mjpg", host="host", port=443)),
        ("clip.MKV", Source(SourceKind.FILE, path=Path("clip.MKV"))),
        ("~/clip.mkv", Source(SourceKind.FILE, path=Path.home() / "clip.mkv")),
        ("a folder", Source(SourceKind.FILE, path=Path("a folder"))),
    ],
)
def test_each_kind_of_source_is_known(text: str, source: Source) -> None:
    assert parse_source(text) == source


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (
            "gopher://me:hush@host/x",
            ConfigError,
            "'gopher://…@host/…': such addresses are not known; write auto, ",
        ),
        ("admin:hush@rtsp://cam", ConfigError, "'…': such addresses are not known"),
        ("rtsp://admin:hush#x@cam/live", ConfigError, "'rtsp://…': no host can be read from this address; .*%23 for #"),
        ("rtsp://admin:hush/x@cam/live", ConfigError, "no host can be read from this address"),
        ("rtsp:///live", ConfigError, "no host can be read from this address"),
        ("picamera2:front", ConfigError, "'picamera2:front': write picamera2, or picamera2:1"),
        ("picamera2:", ConfigError, "'picamera2:': write picamera2, or picamera2:1"),
        ("picamera2:²", ConfigError, "write picamera2, or picamera2:1"),
        ("~nobody-of-this-name/clip.mkv", CameraError, "camera.source: '~nobody-of-this-name/clip.mkv'"),
    ],
)
def test_what_is_not_allowed_is_said_without_secrets(text: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        parse_source(text)
    assert "hush" not in str(caught.value)
