"""Whether the daemon looks at all: the privacy switch, which remembers over a restart and a power cut."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.errors import OutputError
from edge.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

_LOG = logging.getLogger(__name__)

_WORDS = {"ON": True, "OFF": False}


class DetectionSwitch:
    """On unless somebody turned it off. The file is written when that changes, and only then.

    Example:
        >>> switch = DetectionSwitch(state_directory() / "kitchen.detection")
        >>> switch.turn(on=False)
        >>> DetectionSwitch(state_directory() / "kitchen.detection").on
        False
    """

    def __init__(self, file: Path) -> None:
        """Read what was chosen before; a file that cannot be read, or is damaged, means on."""
        self._file = file
        self._on = True
        try:
            self._on = _WORDS[file.read_text(encoding="utf-8").strip()]
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError, KeyError) as error:
            why = error.strerror if isinstance(error, OSError) else "it says neither ON nor OFF"
            _LOG.warning("%s: cannot be read (%s); detection is on, until somebody turns it off", file, why)
        if not self._on:
            _LOG.warning("detection is off, as somebody wanted; publish ON to detection/set, or remove %s", file)

    @property
    def on(self) -> bool:
        """Whether to look."""
        return self._on

    def turn(self, *, on: bool) -> bool:
        """Turn detection on or off; gives whether that is a change.

        It holds for this run also where it cannot be written, which is logged.
        """
        if on == self._on:
            return False
        self._on = on
        _LOG.info("detection is turned %s", self)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file, f"{self}\n")
        except (OSError, OutputError) as error:
            _LOG.warning("%s; after a restart detection is as it was before", error)
        return True

    def __str__(self) -> str:
        return "ON" if self._on else "OFF"
