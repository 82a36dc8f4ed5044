"""The models of a device, for a terminal and as JSON."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from edge.errors import BundleError
from edge.inference.bundle import SHIPPED, read_files
from edge.inference.runtime import installed
from edge.inference.store import is_shipped
from edge.system.owner import acting_as_owner
from edge.system.running import find_daemon
from edge.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import EmotionConfig
    from edge.inference.bundle import BundleFiles
    from edge.inference.store import ModelStore

_VALIDATION = "validation"
"""The metrics of the faces that the model was selected on; its protocol names the test set with the model's labels."""

_INDENT = " " * 8


@dataclass(frozen=True)
class ModelRow:
    """What is shown of one model."""

    name: str
    status: Literal["in use", "chosen", ""]
    """In use by a daemon that runs, or chosen for the next one."""

    shipped: bool
    version: str = ""
    bytes: int = 0
    accuracy: float | None = None
    """Of the int8 network in this machine's runtime, as the card says."""

    measured_on: str = ""
    labels: tuple[str, ...] = ()
    problem: str = ""
    """Why it cannot be used; empty if it can."""


def read_stored(store: ModelStore, state: Path, name: str) -> BundleFiles:
    """Return a bundle of a device; what was added is read as the owner of the state folder.

    Raises:
        BundleError: There is none of this name, or it is damaged.
    """
    if is_shipped(name):
        return read_files(store.find(name))
    with acting_as_owner(state):
        return read_files(store.find(name))


def rows(store: ModelStore, state: Path, emotion: EmotionConfig) -> list[ModelRow]:
    """Return a row for each model of a device.

    Args:
        store: The device's bundles.
        state: The daemon's folder on disk.
        emotion: The configuration, whose model comes before the choice.
    """
    with acting_as_owner(state):
        daemon, choice, names = find_daemon(state), store.choice, store.names
    chosen = None if emotion.model else choice.model if choice else SHIPPED.stem
    used = daemon.facts.get("sha256") if daemon else None
    found = []
    for name in names:
        try:
            files = read_stored(store, state, name)
        except BundleError as error:
            found.append(ModelRow(name, "chosen" if name == chosen else "", is_shipped(name), problem=str(error)))
            continue
        card = files.card
        status: Literal["in use", "chosen", ""] = (
            "in use" if used == card.sha256 else "chosen" if name == chosen else ""
        )
        accuracy, measured_on = _accuracy(card.metrics)
        labels = card.labels
        row = ModelRow(name, status, is_shipped(name), card.version, len(files.content), accuracy, measured_on, labels)
        found.append(row)
    return found


def to_text(found: list[ModelRow]) -> str:
    """Return two lines for each row, for a terminal: what it is, and its labels or what is wrong with it."""
    widest = max(len(row.name) for row in found)
    lines = []
    for row in found:
        about = []
        if not row.problem:
            about = [row.version, f"{row.bytes / 1e6:.2f} MB"]
        if row.accuracy is not None:
            about.append(f"{row.accuracy:.1%} on {row.measured_on}")
        lines.append(f"{row.status:6}  {row.name:{widest}}  {'  '.join(about)}".rstrip())
        text = row.problem or ", ".join(row.labels)
        lines += textwrap.wrap(text, 79, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return "\n".join(lines)


def to_json(found: list[ModelRow]) -> str:
    """Return the rows as JSON: a list of objects with the fields of `ModelRow`."""
    return json.dumps([asdict(row) for row in found], indent=2, ensure_ascii=False)


def _accuracy(metrics: dict[str, Any]) -> tuple[float | None, str]:
    """Return the accuracy on a test set, the one with the model's own labels first, and the set's name.

    A card may name none, or anything at all.
    """
    validation = metrics.get(_VALIDATION)
    own = str(validation.get("protocol")).replace("-", "_") if isinstance(validation, dict) else ""
    for name in sorted(metrics.keys() - {_VALIDATION}, key=lambda name: name != own):
        value = metrics[name].get("int8") if isinstance(metrics[name], dict) else None
        if isinstance(value, dict):
            value = value.get(next(iter(installed()), ""))
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value), printable(name)
    return None, ""
