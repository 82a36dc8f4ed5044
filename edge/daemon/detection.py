"""The privacy switch: whether detection is on, remembered over restarts and power cuts. It fails closed."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from edge.errors import OutputError
from edge.files import private_folder, read_regular, write_own

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

_WORDS = {b"ON": True, b"OFF": False}

_FILE = "detection"
"""Without the device's name: a device that gets another one keeps its state folder, and must stay off there."""

_EVER_OFF = ".ever-off"

_MOST_BYTES = 16

TURNED_OFF = "detection was turned off"

_NOBODY_KNOWS = "each boot forgets whether detection was turned off, so it starts off"

ON_EVERY_S = 5.0
"""Least time from one turning on to the next: each opens the camera, and is written to the disk."""


class SwitchCommands:
    """Decides when a command to turn detection on or off is carried out: no flood of them keeps the camera busy.

    `OFF` is carried out at once, `ON` no sooner than `ON_EVERY_S` after the last one that had an effect. The newest
    command counts.
    """

    def __init__(self) -> None:
        self._waiting: bool | None = None
        self._turned_on_s = float("-inf")

    def due(self, time_s: float, *, command: bool | None, on: bool) -> bool | None:
        """Return the command to carry out now, or None.

        Args:
            time_s: Now, on the monotonic clock.
            command: The newest since the last call; None: there was none.
            on: Whether detection is on.
        """
        if command is not None:
            self._waiting = command
        if self._waiting and not on:
            if time_s - self._turned_on_s < ON_EVERY_S:
                return None
            self._turned_on_s = time_s
        return self.take()

    def take(self) -> bool | None:
        """Return the command that waits, and forget it; None: there is none."""
        waiting, self._waiting = self._waiting, None
        return waiting


class DetectionSwitch:
    """On, unless it was turned off, or nobody can tell any more.

    The answer is a file on disk, written whole and synced, its folder too. It exists from the first start on, so that
    a full disk cannot prevent `OFF`: the file is then overwritten in place, or emptied. A file that cannot be read, or
    that says neither, means off; so does a missing one, once detection was ever turned off: an empty file beside it
    records that. A second file in memory remembers `OFF` over restarts where the disk cannot. Where each boot forgets
    what the disk has, an `ON` there may be older than the last `OFF`: the file in memory has to say `ON` too.

    Example:
        >>> switch = DetectionSwitch(state, runtime)
        >>> switch.turn(on=False)
        True
        >>> DetectionSwitch(state, runtime).on
        False
    """

    def __init__(self, state: Path, runtime: Path, *, forgotten_at_boot: bool = False) -> None:
        """Read what was chosen before.

        Args:
            state: The daemon's folder on disk.
            runtime: Its folder in memory, which outlives the daemon but not the machine.
            forgotten_at_boot: Whether what is written to `state` is lost at the next boot. Detection is then off after
                each boot, until it is turned on.
        """
        self._file, self._memory = state / _FILE, runtime / _FILE
        self._forgotten_at_boot, self._why_off = forgotten_at_boot, TURNED_OFF
        self._problem: str | None = None
        on_disk, in_memory = self._read(self._file), self._in_memory()
        if on_disk is None and self._was_ever_off():
            log.warning("%s: is missing; detection is off until it is turned on", self._file)
            on_disk = False
        if forgotten_at_boot:
            line = "%s: each boot forgets all changes, and so starts with detection off; see docs/read-only-root.md"
            log.warning(line, state)
            if in_memory is None and on_disk is not False:
                in_memory, self._why_off = False, _NOBODY_KNOWS
        self._on = on_disk is not False and in_memory is not False
        if on_disk is not self._on:
            # Also on the first start: OFF can use this file's room when the disk is full.
            self._remember(on=self._on)
        if not self._on:
            log.warning("detection is off; publish ON to detection/set to turn it on")

    @property
    def on(self) -> bool:
        """Whether faces are looked for."""
        return self._on

    @property
    def off_reason(self) -> str:
        """Why the camera is off, for the topic `camera`; also whether that could not be remembered."""
        if not self._problem:
            return self._why_off
        return f"{self._why_off}; a reboot may turn it on, because this cannot be remembered: {self._problem}"

    def turn(self, *, on: bool) -> bool:
        """Turn detection on or off, remembered first; return whether that is a change.

        A choice that cannot be remembered holds for this run, and is logged.
        """
        if on == self._on and self._problem is None:
            return False
        changed, self._on, self._why_off = on != self._on, on, TURNED_OFF
        self._remember(on=on)
        log.info("detection is turned %s", self)
        return changed

    def __str__(self) -> str:
        return "ON" if self._on else "OFF"

    def _in_memory(self) -> bool | None:
        try:
            private_folder(self._memory.parent)
        except OSError:  # another user's folder says nothing
            return None
        return self._read(self._memory)

    def _read(self, file: Path) -> bool | None:
        """Return what a file says; None if there is none."""
        try:
            return _WORDS[read_regular(file, _MOST_BYTES).strip()]
        except FileNotFoundError:
            return None
        except (OSError, KeyError) as error:
            why = error.strerror if isinstance(error, OSError) else "it says neither ON nor OFF"
            log.warning("%s: cannot be read (%s); detection is off until it is turned on", file, why)
            return False

    def _remember(self, *, on: bool) -> None:
        text = b"ON\n" if on else b"OFF\n"
        # OFF first where it needs no disk; ON last, so that a failure leaves OFF.
        if not on:
            self._remember_in_memory(text)
            _attempt(self._note_off)
        self._problem = _attempt(lambda: write_own(self._file, text))
        if self._problem and not on and (self._overwrite(text) or self._missing_means_off()):
            self._problem = None
        if on and self._problem is None:
            if self._forgotten_at_boot:
                self._remember_in_memory(text)
            else:
                _attempt(lambda: self._memory.unlink(missing_ok=True))
        if self._problem:
            log.warning("detection %s cannot be remembered: %s", "ON" if on else "OFF", self._problem)

    def _remember_in_memory(self, text: bytes) -> None:
        _attempt(lambda: write_own(private_folder(self._memory.parent) / self._memory.name, text))

    def _was_ever_off(self) -> bool:
        """Return whether detection was ever turned off; older versions noted that below the device's name."""
        return any(self._file.parent.glob(f"*{_EVER_OFF}"))

    def _note_off(self) -> None:
        if not self._was_ever_off():
            write_own(self._file.with_name(_FILE + _EVER_OFF), b"")

    def _missing_means_off(self) -> bool:
        """Return whether the next start finds no file, but that detection was ever off; an empty file often fits."""
        return self._read(self._file) is None and self._was_ever_off()

    def _overwrite(self, text: bytes) -> bool:
        """Write into the file that is there, which takes no new room on the disk; return whether it worked."""

        def overwrite() -> None:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                try:
                    os.pwrite(descriptor, text, 0)
                    os.ftruncate(descriptor, len(text))
                except OSError:
                    os.ftruncate(descriptor, 0)  # an empty file means off
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

        return _attempt(overwrite) is None


def _attempt(action: Callable[[], None]) -> str | None:
    """Do it; return the reason if it fails."""
    try:
        action()
    except OutputError as error:
        return str(error)
    except OSError as error:
        return f"{error.filename or 'the file'}: {error.strerror}"
    return None
