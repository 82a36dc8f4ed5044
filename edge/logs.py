"""Where log lines go: to a person's terminal, to the journal with its priorities, or to a plain file."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.logging import RichHandler

from edge.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "emotion-edge"
"""Marks our handler, so that a second `configure` replaces it and touches no other."""


def configure(level: int | str = logging.INFO, stream: TextIO | None = None) -> None:
    """Send the logs to `stream`; a second call replaces the first.

    The level is that of emotion-edge; libraries log from WARNING on.

    Args:
        level: As `logging` knows it: ``logging.DEBUG`` or ``"DEBUG"``.
        stream: Standard error unless given.
    """
    handler = _handler(stream or sys.stderr, os.environ)
    handler.set_name(_NAME)
    handler.addFilter(_redact)
    root = logging.getLogger()
    for old in [old for old in root.handlers if old.get_name() == _NAME]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("edge").setLevel(level)
    logging.captureWarnings(capture=True)


def _handler(stream: TextIO, environ: Mapping[str, str]) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    if is_journal(stream, environ):
        handler.setFormatter(_JournalFormatter())
        return handler
    if stream.isatty():
        return RichHandler(console=Console(file=stream), show_path=False, omit_repeated_times=False)
    handler.setFormatter(_PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler


class LogOnce:
    """Logs each problem once, and again only after it was gone. May be used from any thread.

    Example:
        >>> once = LogOnce(logging.getLogger(__name__))
        >>> once.warning("disk", "%s: no space left", path)
        True
        >>> once.warning("disk", "%s: no space left", path)
        False
        >>> once.forget("disk")
        True
    """

    def __init__(self, logger: logging.Logger, most: int = 100) -> None:
        """Begin with nothing logged.

        Args:
            logger: Where the lines go.
            most: Problems to remember; beyond it new ones are not logged, so that nobody can fill log or memory.
        """
        self._logger, self._most = logger, most
        self._lock = threading.Lock()
        self._logged: set[str] = set()

    def warning(self, problem: str, message: str, *args: object) -> bool:
        """Log a warning unless this problem was logged; return whether it was logged now.

        Args:
            problem: Which problem it is.
            message: The line, as `logging.Logger.warning` takes it.
            args: Of the line.
        """
        with self._lock:
            if problem in self._logged or len(self._logged) >= self._most:
                return False
            self._logged.add(problem)
        self._logger.warning(message, *args, stacklevel=2)
        return True

    def logged(self, problem: str) -> bool:
        """Return whether this problem was logged, and is not gone."""
        with self._lock:
            return problem in self._logged

    def forget(self, *problems: str) -> bool:
        """Note that these problems are gone; return whether one of them was logged."""
        with self._lock:
            gone = self._logged.intersection(problems)
            self._logged -= gone
            return bool(gone)


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether the stream is the one that systemd connected to the journal.

    ``JOURNAL_STREAM`` holds ``device:inode`` of it (systemd.exec(5)). Being set is not enough: a program that was
    started with its output redirected inherits the variable all the same.
    """
    try:
        at = os.fstat(stream.fileno())
    except (OSError, ValueError):  # no file behind it, or closed
        return False
    return environ.get("JOURNAL_STREAM") == f"{at.st_dev}:{at.st_ino}"


def _redact(record: logging.LogRecord) -> bool:
    """Remove what may be a secret from a record's addresses, whoever wrote it; let every record pass."""
    try:
        said = record.getMessage()
    except (TypeError, ValueError, KeyError):  # a library's mistake, which must not end its thread
        said = str(record.msg)
    record.msg, record.args = redact_text(said), None
    if record.exc_info:
        record.exc_text = redact_text(record.exc_text or logging.Formatter().formatException(record.exc_info))
    return True


class _PlainFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)  # people and machines compare these lines across time zones
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"


class _JournalFormatter(logging.Formatter):
    """Puts ``<N>``, the priority of sd-daemon(3), before each line; the journal has its own clock."""

    def format(self, record: logging.LogRecord) -> str:
        # The journal takes each line of a traceback for a record of its own.
        return "\n".join(f"<{_priority(record.levelno)}>{line}" for line in super().format(record).splitlines() or [""])


def _priority(level: int) -> int:
    """Return the syslog priority (2 critical … 7 debug) of a level of `logging`."""
    for least, priority in ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6)):
        if level >= least:
            return priority
    return 7
