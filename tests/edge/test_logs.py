from __future__ import annotations

import io
import logging
import os
import re
import warnings
from typing import TYPE_CHECKING

import pytest

from edge import logs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("edge")
    before = root.handlers[:], root.level, ours.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], level, our_level = before
    root.setLevel(level)
    ours.setLevel(our_level)


def test_in_the_journal_each_line_has_its_priority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "journal"
    with file.open("w") as stream:
        at = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{at.st_dev}:{at.st_ino}")
        logs.configure("DEBUG", stream)
        ours = logging.getLogger("edge.pipeline.pipeline")
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
            ours.log(level, "level %s", level)
        try:
            int("camera")
        except ValueError:
            ours.exception("two\nlines")
    lines = file.read_text().splitlines()
    assert lines[:5] == ["<7>level 10", "<6>level 20", "<4>level 30", "<3>level 40", "<2>level 50"]
    assert lines[5:8] == ["<3>two", "<3>lines", "<3>Traceback (most recent call last):"]
    assert all(line.startswith("<3>") for line in lines[5:])


def test_a_stream_beside_the_journal_is_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = (tmp_path / "journal").parent.stat()
    monkeypatch.setenv("JOURNAL_STREAM", f"{at.st_dev}:{at.st_ino}")
    file = tmp_path / "redirected"
    with file.open("w") as stream:
        logs.configure(logging.INFO, stream)
        logging.getLogger("edge.camera").warning("no frame for %.1f s", 5)
    line = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING edge\.camera: no frame for 5\.0 s\n")
    assert line.fullmatch(file.read_text())


def test_a_terminal_gets_colours() -> None:
    reader, writer = os.openpty()
    with os.fdopen(writer, "w") as stream, os.fdopen(reader, "rb") as screen:
        logs.configure(logging.INFO, stream)
        logging.getLogger("edge").error("the camera [front] is gone")
        stream.flush()
        shown = os.read(screen.fileno(), 4096).decode()
    assert "the camera [front] is gone" in re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert "ERROR" in shown


def test_a_stream_without_a_file_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    stream = io.StringIO()
    logs.configure(logging.INFO, stream)
    logging.getLogger("edge").info("hello")
    assert stream.getvalue().endswith("INFO edge: hello\n")


def test_libraries_speak_from_warning_on() -> None:
    stream = io.StringIO()
    logs.configure(logging.DEBUG, stream)
    logging.getLogger("a_library.part").info("chatter")
    logging.getLogger("a_library.part").warning("trouble")
    logging.getLogger("edge").debug("detail")
    assert "chatter" not in stream.getvalue()
    assert "trouble" in stream.getvalue()
    assert "detail" in stream.getvalue()


def test_a_wrong_format_of_a_library_ends_nothing() -> None:
    stream = io.StringIO()
    logs.configure(logging.INFO, stream)
    (handler,) = (each for each in logging.getLogger().handlers if getattr(each, "stream", None) is stream)
    handler.handle(logging.LogRecord("a_library", logging.WARNING, __file__, 1, "%d of %d", (3,), None))
    assert "%d of %d" in stream.getvalue()


def test_configuring_twice_says_each_line_once_and_keeps_other_handlers() -> None:
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    first, second = io.StringIO(), io.StringIO()
    logs.configure(logging.INFO, first)
    logs.configure(logging.ERROR, second)
    logging.getLogger("edge").warning("not asked for")
    logging.getLogger("edge").error("once")
    assert not first.getvalue()
    assert second.getvalue().count("\n") == 1
    assert other in logging.getLogger().handlers


def test_python_warnings_are_log_lines() -> None:
    stream = io.StringIO()
    logs.configure(logging.INFO, stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old API", DeprecationWarning, stacklevel=1)
    assert "DeprecationWarning: old API" in stream.getvalue()


def test_a_problem_is_logged_once_until_it_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    once = logs.LogOnce(logging.getLogger("edge.test"), most=2)
    assert [once.warning("disk", "%s is full", name) for name in "ab"] == [True, False]
    assert once.warning("broker", "is away")
    assert not once.warning("third", "is not remembered")
    assert not once.forget("third")
    assert once.logged("disk")
    assert once.forget("disk", "third")
    assert not once.logged("disk")
    assert once.warning("disk", "%s is full again", "a")
    assert [record.getMessage() for record in caplog.records] == ["a is full", "is away", "a is full again"]
