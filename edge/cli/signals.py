"""What signals do to a command: end it in good order, or nothing.

A thread of its own acts on them. A handler runs within whatever the main thread was doing, and would wait for ever for
a lock that it holds there: an event's, or the log's.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from edge.cli.process import exit_at_once

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_STOP_S = 3.0
"""Seconds that a clean stop has until another signal ends the command at once."""

_END = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGPWR, signal.SIGXCPU})
"""Signals that ask for an end; the last two before the power or the permitted processor time is gone."""

_CRASHES = frozenset(
    {signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP}
)
"""Signals of a defect, and of systemd's watchdog: they end the process at once."""

_HARMLESS = frozenset(
    {
        *(signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH),  # nothing happens
        *(signal.SIGCONT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),  # the shell's job control
        *(signal.SIGPIPE, signal.SIGXFSZ),  # Python turns them into errors
        *(signal.SIGKILL, signal.SIGSTOP),  # nobody can handle them
    }
)

RELOADING = signal.SIGHUP
"""The signal that has the daemon read its configuration again; other commands ignore it."""

ENDING = tuple(sorted(_END))
IGNORED = tuple(sorted(signal.valid_signals() - _END - _CRASHES - _HARMLESS))
"""Signals that would end the process without a clean stop, as SIGHUP, SIGUSR1 and the real-time signals do."""


def stop_on_signals() -> threading.Event:
    """Return the event that the signals of `ENDING` set, to end a command in good order; those of `IGNORED` are logged.

    A clean stop takes 2 s; only a signal after `_STOP_S` ends the command at once.
    """
    stop = threading.Event()
    came, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)  # Python writes the number of each signal there
    for number in ENDING + IGNORED:
        signal.signal(number, _leave_to_thread)
    threading.Thread(target=_act, args=(came, stop), name="signals", daemon=True).start()
    return stop


def _leave_to_thread(_number: int, _frame: object) -> None:
    """Do nothing: `_act` learns of the signal too."""


def _act(came: int, stop: threading.Event) -> None:
    """Act on signals until the other end of the pipe is closed.

    Args:
        came: The end from which their numbers are read, a byte each.
        stop: Is set by those that end the command.
    """
    first_s = 0.0
    with open(came, "rb", buffering=0) as numbers:
        while some := numbers.read(64):
            for number in some:
                if signal.getsignal(number) is not _leave_to_thread:
                    continue
                if number not in _END:
                    log.warning("%s is ignored", _name(number))
                elif not stop.is_set():
                    first_s = time.monotonic()
                    stop.set()
                elif time.monotonic() - first_s >= _STOP_S:
                    exit_at_once(128 + number)


def reload_on_signal() -> Callable[[], bool]:
    """Return what tells whether `RELOADING` came since it was last called; call it after `stop_on_signals`."""
    came: deque[int] = deque()  # no event: setting one in a signal handler waits for a lock that its reader may hold
    signal.signal(RELOADING, lambda number, _: came.append(number))

    def asked() -> bool:
        if not came:
            return False  # and clears nothing: one may come now
        came.clear()
        return True

    return asked


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal but the first and the last
        return f"signal {number}"
