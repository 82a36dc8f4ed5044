"""Native talk is hidden, and standard error comes back."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from edge.inference.native_stderr import native_stderr_hidden

if TYPE_CHECKING:
    from pathlib import Path


def test_what_native_code_says_is_dropped_and_what_comes_after_is_not(capfd: pytest.CaptureFixture[str]) -> None:
    with native_stderr_hidden():
        os.write(2, b"delegate created\n")
    os.write(2, b"a mistake of yours\n")
    assert capfd.readouterr().err == "a mistake of yours\n"


def test_it_comes_back_after_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), native_stderr_hidden():
        raise RuntimeError
    os.write(2, b"a mistake of yours\n")
    assert capfd.readouterr().err == "a mistake of yours\n"


def test_threads_that_overlap_leave_it_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    within, leave = threading.Event(), threading.Event()

    def second() -> None:
        with native_stderr_hidden():
            within.set()
            leave.wait()

    thread = threading.Thread(target=second)
    with native_stderr_hidden():
        thread.start()
        within.wait()
    os.write(2, b"still hidden\n")
    leave.set()
    thread.join()
    os.write(2, b"heard again\n")
    assert capfd.readouterr().err == "heard again\n"


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    def open_descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # names are enough

    before = open_descriptors()
    for _ in range(100):
        with native_stderr_hidden():
            (tmp_path / "x").touch()
    assert open_descriptors() < before + 50  # others open and close theirs meanwhile
