"""Where the numbers outlive a restart: each minute in memory, each hour with a face and at the end on disk."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from pydantic import ValidationError

from edge.errors import OutputError
from edge.files import private_folder, read_regular, write_own
from edge.logs import LogOnce
from edge.text import first_line
from edge.wire.summary_message import SummaryMessage

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

_FILE = "summary.json"
_MOST_BYTES = 65_536


class SummaryStore(Protocol):
    """Keeps the newest message for the next start."""

    def load(self) -> SummaryMessage | None:
        """Return the newest message that was kept; None if there is none."""

    def save(self, message: SummaryMessage, *, to_disk: bool) -> bool:
        """Keep a message, where the process's end does not take it; on disk also where a power cut does not.

        Returns:
            Whether it is on disk.
        """


class NullSummaryStore:
    """Keeps nothing: for a daemon without a lasting broker."""

    def load(self) -> SummaryMessage | None:
        """Return None."""
        return None

    def save(self, message: SummaryMessage, *, to_disk: bool) -> bool:  # noqa: ARG002  # the protocol's
        """Return False."""
        return False


class SummaryFiles:
    """A file in memory and one on disk, each written whole or not at all, and synced."""

    def __init__(self, state: Path, runtime: Path) -> None:
        """Name the files; nothing is read or written yet.

        Args:
            state: A folder on disk.
            runtime: A folder in memory, which outlives the process but not the machine.
        """
        self._disk, self._memory = state / _FILE, runtime / _FILE
        self._once = LogOnce(log)

    def load(self) -> SummaryMessage | None:
        """Return the newer one of the messages in the two files; a file that cannot be read is logged."""
        found = [self._read(self._disk)]
        with suppress(OSError):  # another user's folder says nothing
            private_folder(self._memory.parent)
            found.append(self._read(self._memory))
        return max((message for message in found if message), key=lambda message: message.sent_at, default=None)

    def save(self, message: SummaryMessage, *, to_disk: bool) -> bool:
        """Write a message into memory, and on disk if asked; what fails is logged once, and stops nothing.

        Returns:
            Whether it is on disk.
        """
        text = message.to_json().encode()
        self._write(self._memory, text, private=True)
        return to_disk and self._write(self._disk, text, private=False)

    def _write(self, file: Path, text: bytes, *, private: bool) -> bool:
        try:
            if private:
                private_folder(file.parent)
            write_own(file, text)
        except OSError as error:
            self._once.warning(
                str(file), "%s: cannot be written (%s); the summary may not survive", file, error.strerror
            )
        except OutputError as error:
            self._once.warning(str(file), "%s; the summary may not survive", error)
        else:
            self._once.forget(str(file))
            return True
        return False

    def _read(self, file: Path) -> SummaryMessage | None:
        try:
            return SummaryMessage.model_validate_json(read_regular(file, _MOST_BYTES))
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s: cannot be read (%s); the summary begins anew", file, error.strerror)
        except ValidationError as error:
            log.warning("%s: is no summary (%s); it begins anew", file, first_line(error))
        return None
