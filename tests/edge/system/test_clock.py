from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from edge.system import clock

if TYPE_CHECKING:
    from pathlib import Path

OK, ERROR, NOT_ALLOWED = 0, 5, -1


def test_the_kernel_is_asked() -> None:
    assert clock.is_clock_synchronised() in {True, False, None}


@pytest.mark.parametrize(
    ("kernel", "timesyncd", "expected"),
    [
        (OK, None, True),  # chrony, for example
        (OK, False, True),
        (ERROR, None, False),
        (ERROR, False, False),
        (ERROR, True, True),  # was set in this boot
        (NOT_ALLOWED, True, True),
        (NOT_ALLOWED, False, False),
        (NOT_ALLOWED, None, None),
    ],
)
def test_the_kernel_or_timesyncd_knows_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: int, *, timesyncd: bool | None, expected: bool | None
) -> None:
    folder = tmp_path / "timesync"
    monkeypatch.setattr(clock, "TIMESYNCD", folder)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace(adjtimex=lambda _: kernel))
    if timesyncd is not None:
        folder.mkdir()
    if timesyncd:
        (folder / "synchronized").touch()
    assert clock.is_clock_synchronised() is expected
