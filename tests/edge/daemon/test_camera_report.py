from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from edge.daemon.camera_report import CameraReport
from edge.preview.preview import NullPreview


class Supervisor(SimpleNamespace):
    """What a camera's supervisor says of it."""

    name, synthetic = "webcam", False
    status: str | None = None
    reason: str | None = None


def test_each_status_with_its_reason_is_published_once() -> None:
    published: list[tuple[str, str | None]] = []
    publisher: Any = SimpleNamespace(publish_camera=lambda status, reason: published.append((status, reason)))
    supervisor: Any = Supervisor()
    report = CameraReport(supervisor, publisher, NullPreview())
    assert not report.publish_status()  # nothing is known yet
    off, again = "detection was turned off", "detection was turned off; a reboot may turn it on"
    said = [
        ("online", None),
        ("off", off),
        ("off", again),
        ("offline", "gone"),
        ("offline", "denied"),
        ("online", None),
    ]
    for supervisor.status, supervisor.reason in said:
        assert report.publish_status()
        assert not report.publish_status()
    assert published == said
