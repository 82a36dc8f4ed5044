from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.daemon.printer import LinePrinter, Output
from edge.errors import OutputError
from tests.broker import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for end in (reader, writer):
        try:
            os.close(end)
        except OSError:  # the test closed it
            continue


def failed(printer: LinePrinter) -> bool:
    try:
        printer.check()
    except (BrokenPipeError, OutputError):
        return True
    return False


def reports(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for line in caplog.messages if "were not printed" in line]


def test_lines_arrive_in_order(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    printer = LinePrinter(Output(writer))
    for number in range(100):
        printer.print(f"line {number}")
    printer.close(5)
    assert os.read(reader, 100_000).decode().splitlines() == [f"line {number}" for number in range(100)]


def test_a_reader_that_does_not_read_costs_lines_which_are_counted(
    pipe: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = pipe
    printer = LinePrinter(Output(writer))
    for _ in range(5000):
        printer.print("x" * 999)
    assert "nobody reads standard output" in caplog.text
    printer.close(0.1)
    lost = sum(int(re.findall(r"(\d+) events were not printed", line)[0]) for line in reports(caplog))
    read = os.read(reader, 1 << 20).count(b"\n")
    assert 5000 - lost - 1 <= read <= 5000 - lost + 1  # the line on its way may be in part there


def test_a_reader_that_comes_back_gets_what_follows(pipe: tuple[int, int], caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = pipe
    printer = LinePrinter(Output(writer))
    for _ in range(2000):
        printer.print("x" * 999)
    got = b""
    while got.count(b"\n") < 1000:
        got += os.read(reader, 1 << 16)
    printer.print("last")
    while not got.endswith(b"last\n"):
        got += os.read(reader, 1 << 16)
    assert "were not printed" in caplog.text


def test_a_reader_that_leaves_is_noticed(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    printer = LinePrinter(Output(writer))
    os.close(reader)
    printer.print("into nothing")
    wait_until(lambda: failed(printer))
    with pytest.raises(BrokenPipeError):
        printer.check()
    printer.print("nobody is there")
    printer.close(5)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("wb") as full:
        printer = LinePrinter(Output(full.fileno()))
        printer.print("no room")
        wait_until(lambda: failed(printer))
        with pytest.raises(OutputError, match=r"standard output: .* No space left on device"):
            printer.check()
