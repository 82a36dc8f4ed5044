from __future__ import annotations

import contextlib
import os
import sys
import termios
import threading
from typing import TYPE_CHECKING, TextIO

import pytest

from edge.streams import BackgroundWriter, drain, nonblocking, waiting_until
from tests.broker import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOM = 1 << 16
"""What Linux's pipes take without a reader."""


def fill(pipe: int) -> None:
    os.set_blocking(pipe, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe, b"." * 4096)
    os.set_blocking(pipe, True)


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", closefd=False), os.fdopen(writer, "w", closefd=False) as stream:
        yield reader, stream
    for end in (reader, writer):
        with contextlib.suppress(OSError):  # the test closed it
            os.close(end)


def test_what_is_written_arrives_in_order(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    subject = nonblocking(stream)
    for number in range(100):
        subject.write(f"line {number} ü\n")
    drain(subject)
    assert os.read(reader, ROOM).decode().splitlines() == [f"line {number} ü" for number in range(100)]


def test_a_reader_that_does_not_read_costs_lines_which_are_counted(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    fill(stream.fileno())
    subject = nonblocking(stream)
    for _ in range(3000):
        subject.write("x" * 99 + "\n")
    got = os.read(reader, ROOM).lstrip(b".")
    while got.count(b"\n") < 1000:
        got += os.read(reader, ROOM)
    subject.write("last\n")
    while not got.endswith(b"last\n"):
        got += os.read(reader, ROOM)
    lines = got.decode().splitlines()
    dropped = [int(line.split()[1]) for line in lines if line.startswith("emotion-edge: ")]
    assert dropped
    assert sum(dropped) == 3000 - lines.count("x" * 99)
    assert lines[-1] == "last"


def test_a_line_that_is_longer_than_the_pipe_waits_for_nobody(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    subject = nonblocking(stream)
    subject.write("x" * (2 * ROOM))
    got = 0
    while got < 2 * ROOM:
        got += len(os.read(reader, ROOM))


def test_a_terminal_that_is_paused_waits_for_nobody() -> None:
    """With Ctrl+S, or by a connection that hangs."""
    screen, terminal = os.openpty()
    with os.fdopen(screen, "rb", buffering=0) as shown, os.fdopen(terminal, "w") as stream:
        subject = nonblocking(stream)
        assert subject.isatty()
        termios.tcflow(terminal, termios.TCOOFF)
        subject.write("written while paused\n")
        drain(subject)
        termios.tcflow(terminal, termios.TCOON)
        assert b"written while paused" in shown.read(100)


def test_a_pipe_that_another_program_made_non_blocking_is_written_to_all_the_same() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    subject = BackgroundWriter(writer, most_waiting=4)
    for _ in range(4):
        assert subject.write(b"x" * ROOM)
    got = 0
    while got < 4 * ROOM:
        got += len(os.read(reader, ROOM))
    assert subject.error is None


def test_a_reader_that_leaves_stops_nothing(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    writer = BackgroundWriter(stream.fileno(), most_waiting=1)
    subject = nonblocking(stream)
    os.close(reader)
    writer.write(b"into nothing")
    wait_until(lambda: isinstance(writer.error, BrokenPipeError))
    for _ in range(2000):
        subject.write("into nothing\n")
    drain(subject)


def test_a_stream_that_waits_loses_nothing(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    fill(stream.fileno())
    subject = waiting_until(threading.Event(), stream)
    lines = [f"line {number}\n" for number in range(3000)]
    writer = threading.Thread(target=subject.writelines, args=[lines])
    writer.start()
    got = b""
    while not got.endswith(lines[-1].encode()):
        got += os.read(reader, 1000)
    assert got.decode().lstrip(".") == "".join(lines)
    writer.join(5)


def test_a_stream_that_waits_waits_no_longer_after_the_stop(pipe: tuple[int, TextIO]) -> None:
    _, stream = pipe
    fill(stream.fileno())
    stop = threading.Event()
    subject = waiting_until(stop, stream)
    writer = threading.Thread(target=subject.writelines, args=[["line\n"] * 300], daemon=True)
    writer.start()
    writer.join(0.5)
    assert writer.is_alive()
    stop.set()
    writer.join(5)
    assert not writer.is_alive()


def test_a_stream_that_waits_says_that_its_reader_left(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    os.close(reader)
    subject = waiting_until(threading.Event(), stream)
    with pytest.raises(BrokenPipeError):
        subject.writelines(["line\n"] * 10_000)


def test_a_file_needs_no_thread(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        assert nonblocking(stream) is stream


def test_a_stream_without_a_file_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert nonblocking(sys.stderr) is sys.stderr
    drain(sys.stderr)
    assert not capsys.readouterr().err
