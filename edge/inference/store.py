"""The model bundles of this device: shipped ones, added ones, and which of them the user chose."""

from __future__ import annotations

import json
import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from edge.errors import BundleError, OutputError
from edge.files import natural_key, read_regular, sync_folder, write_own
from edge.inference.bundle import SHIPPED, read_files

if TYPE_CHECKING:
    from pathlib import Path

    from edge.inference.bundle import BundleFiles

log = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A name becomes a file's name and is typed in a shell."""

_MOST_BYTES = 4096
"""Of the file with the choice."""


@dataclass(frozen=True)
class Choice:
    """Which bundle the user chose."""

    model: str
    previous: str | None = None
    """The one before, which takes its place if it does not load."""


class ModelStore:
    """The bundles in the package and in a folder of the daemon's state, known by the names of their files.

    An added bundle never changes: the same name with other content is refused, so that its two files always belong
    together. The card is written last; without it a bundle does not exist.

    Example:
        >>> store = ModelStore(state)
        >>> store.add("faces-2", read_files(Path("faces-2.tflite")))
        >>> store.choose("faces-2")
        >>> ModelBundle.load(store.find(store.choice.model))
    """

    def __init__(self, state: Path) -> None:
        """Take a store; nothing is read or written yet.

        Args:
            state: The daemon's folder on disk, which may not exist.
        """
        _shipped()  # now: an administrator who acts as the service's user may not be able to see where they are
        self._folder = state / "models"
        self._file = state / "model.json"

    @property
    def names(self) -> tuple[str, ...]:
        """All bundles: the shipped ones, the default first, then the added ones."""
        added = [path.stem for path in sorted(_in_folder(self._folder), key=natural_key)]
        return (*_shipped(), *(name for name in added if not is_shipped(name)))

    @property
    def labels(self) -> frozenset[str]:
        """The labels of all bundles whose cards can be read."""
        found: set[str] = set()
        for name in self.names:
            with suppress(BundleError):
                found.update(read_files(self.find(name)).card.labels)
        return frozenset(found)

    def find(self, name: str) -> Path:
        """Return the ``.tflite`` file of a bundle.

        Raises:
            BundleError: There is none of this name; the message lists those that are there.
        """
        if name not in self.names:
            message = f"{name}: there is no such model; there are {', '.join(self.names)}"
            raise BundleError(message)
        return (SHIPPED.parent if is_shipped(name) else self._folder) / f"{name}.tflite"

    def check_name(self, name: str) -> None:
        """Check that a bundle may be added under a name.

        Raises:
            BundleError: It is a shipped bundle's, or cannot be a name.
        """
        if not _NAME.fullmatch(name):
            message = f"{name}: a name has 1 to 64 letters, digits, dots, dashes and underscores; give one with --name"
            raise BundleError(message)
        if is_shipped(name):
            message = f"{name}: this is the name of a shipped model; give another one with --name"
            raise BundleError(message)

    def add(self, name: str, files: BundleFiles) -> bool:
        """Add a bundle that was checked; return False if it is there already.

        Raises:
            BundleError: The name is not free.
            OutputError: It cannot be written.
        """
        self.check_name(name)
        network, card = self._folder / f"{name}.tflite", self._folder / f"{name}.json"
        if name in self.names:
            if _has(network, files.content) and _has(card, files.card_text):
                return False
            message = (
                f"{name}: there is another model of this name; give this one another name with --name, "
                f"or remove that one first: emotion-edge model remove {name}"
            )
            raise BundleError(message)
        try:
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_own(network, files.content)
            try:
                write_own(card, files.card_text)
            except (OSError, OutputError):
                network.unlink(missing_ok=True)  # without its card no command would list or remove it
                raise
            sync_folder(self._folder.parent)  # the folder may be new
        except OSError as error:
            message = f"{self._folder}: cannot be written: {error.strerror}"
            raise OutputError(message) from None
        return True

    def remove(self, name: str) -> None:
        """Remove an added bundle.

        Raises:
            BundleError: There is none of this name, it is a shipped one, or the chosen one.
            OutputError: It cannot be removed.
        """
        path = self.find(name)
        if is_shipped(name):
            message = f"{name}: shipped models stay"
            raise BundleError(message)
        if self.choice and self.choice.model == name:
            message = f"{name}: this model is chosen; choose another one first: emotion-edge model use NAME"
            raise BundleError(message)
        try:
            path.with_suffix(".json").unlink()
            path.unlink(missing_ok=True)
            sync_folder(self._folder)
        except OSError as error:
            message = f"{path}: cannot be removed: {error.strerror}"
            raise OutputError(message) from None

    @property
    def choice(self) -> Choice | None:
        """What was chosen; None: nothing, or it cannot be read, which is logged."""
        try:
            content = json.loads(read_regular(self._file, _MOST_BYTES))
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s: cannot be read (%s); the shipped model is used", self._file, error.strerror)
            return None
        except (ValueError, RecursionError):
            content = None
        match content:
            case {"model": str(model), "previous": str() | None as previous}:
                return Choice(model, previous)
        log.warning("%s: this does not say which model to use; the shipped one is used", self._file)
        return None

    def choose(self, name: str) -> None:
        """Remember a bundle as the one to use; after the return, a power cut does not undo it.

        Raises:
            BundleError: There is none of this name.
            OutputError: It cannot be remembered.
        """
        self.find(name)
        before = self.choice
        if before and before.model == name:
            return
        self._remember(Choice(name, before.model if before else None))

    def go_back(self) -> str:
        """Choose the bundle before the chosen one, and return its name; the default if there was none.

        Raises:
            OutputError: It cannot be remembered.
        """
        choice = self.choice
        previous = choice.previous if choice and choice.previous in self.names else None
        self._remember(Choice(previous or SHIPPED.stem))
        return previous or SHIPPED.stem

    def _remember(self, choice: Choice) -> None:
        text = json.dumps({"model": choice.model, "previous": choice.previous}).encode() + b"\n"
        try:
            write_own(self._file, text)
        except OSError as error:
            message = f"{self._file}: cannot be written: {error.strerror}"
            raise OutputError(message) from None


def is_shipped(name: str) -> bool:
    """Return whether a bundle of this name comes with this program."""
    return name in _shipped()


@cache
def _shipped() -> tuple[str, ...]:
    """Return the names of the shipped bundles, the default first."""
    names = [path.stem for path in sorted(_in_folder(SHIPPED.parent), key=natural_key)]
    return tuple(sorted(names, key=lambda name: name != SHIPPED.stem))


def _in_folder(folder: Path) -> list[Path]:
    """Return the cards in a folder; none where it cannot be read."""
    try:
        return [path for path in folder.iterdir() if path.suffix == ".json" and _NAME.fullmatch(path.stem)]
    except OSError:
        return []


def _has(file: Path, content: bytes) -> bool:
    """Return whether a file has this content."""
    try:
        return read_regular(file, len(content)) == content
    except OSError:
        return False
