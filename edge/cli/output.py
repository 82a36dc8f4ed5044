"""A command's standard streams: closed ones, readers that leave or do not read, and what is said at the end."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from edge import __version__
from edge.cli.encoding import replace_unencodable
from edge.cli.usage import redact_message
from edge.errors import EdgeError, OutputError
from edge.streams import drop_output, nonblocking
from edge.system import notify
from edge.system.packages import install_missing
from edge.text import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def prepare_streams() -> None:
    """Open the standard streams that the caller closed, and let none who does not read standard error hold us up.

    The next file would take the place of a closed stream, and its output. A character that the locale's encoding does
    not have is replaced.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest free one
        os.set_inheritable(descriptor, True)  # noqa: FBT003  # it takes no keyword
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # for the life of the process
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # the same
    replace_unencodable(sys.stdout)
    replace_unencodable(sys.stderr)
    sys.stderr = nonblocking(sys.stderr)


@contextmanager
def tolerate_broken_pipe() -> Iterator[None]:
    """End the block in good order if the reader of standard output leaves, as ``head`` does."""
    try:
        yield
    except BrokenPipeError:
        drop_output()
    except OutputError:
        drop_output()
        raise


@contextmanager
def report_machine_errors() -> Iterator[None]:
    """Report a disk that is full and a Python package that is missing as what they are, not as a defect.

    Raises:
        OutputError: Standard output cannot be written. Other files have their own messages.
        EdgeError: A package is missing, or does not load.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        drop_output()
        message = f"standard output: cannot be written: {error.strerror}"
        raise OutputError(message) from None
    except ImportError as error:
        if not (fix := install_missing(error)):
            raise
        message = f"the Python package {error.name} is missing or does not load ({first_line(error)}): {fix}"
        raise EdgeError(message) from None


def report_error(error: EdgeError) -> None:
    """Print a user's problem on standard error, without a traceback and without secrets; systemd shows it too."""
    message = redact_message(str(error))
    for line in message.splitlines():
        typer.echo(f"emotion-edge: {line}", err=True)
    notify.status(message)  # its own word for the exit code is another: "3/NOTIMPLEMENTED"


def report_defect(error: BaseException | None) -> None:
    """Print a defect of ours on standard error, with its traceback and what to do."""
    sys.stderr.write(redact_message("".join(traceback.format_exception(error)), quotes_any=True))
    typer.echo(
        f"This is a defect of emotion-edge {__version__}. Please report it with the lines above "
        "and what 'emotion-edge doctor' prints.",
        err=True,
    )
