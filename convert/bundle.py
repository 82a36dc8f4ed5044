"""Write a model bundle: ``NAME.tflite``, its card ``NAME.json``, and the card's page, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from convert import page
from convert.spec import beside
from edge.errors import OutputError
from edge.files import check_writable, is_there, write_atomically
from edge.inference.bundle import ModelBundle

if TYPE_CHECKING:
    from edge.inference.card import Card


def check_place(out: Path, model: Path) -> None:
    """Check, before the work, that a bundle can be written there and replaces nothing that its model needs.

    Args:
        out: As of `write`.
        model: What the bundle is made from. The training's report beside it has the name that the card would have.

    Raises:
        OutputError: This user may not write there, what should be a folder is a file, or the report would be replaced.
    """
    card, report = out.with_name(f"{out.name}.json"), beside(model, ".json")
    if is_there(report) and not is_there(beside(model, ".toml")) and os.path.realpath(card) == os.path.realpath(report):
        message = f"{card}: this is the report of {model}, and the bundle's card would replace it; choose another --out"
        raise OutputError(message)
    folder = next(parent for parent in out.absolute().parents if os.access(parent, os.F_OK))
    check_writable(folder / f"{out.name}.tflite")  # missing folders are made


def write(out: Path, content: bytes, card: Card) -> Path:
    """Write ``OUT.tflite``, ``OUT.json``, ``OUT.md`` and ``OUT.png``.

    All are written beside their place first, and the bundle loaded there. If one cannot
    take its place, what was there before is put back. A power cut in between leaves a
    hash that does not match, which loading refuses by name.

    Args:
        out: Folder and name, without an ending.
        content: The ``.tflite`` file.
        card: Its card.

    Returns:
        The path of the ``.tflite`` file.

    Raises:
        BundleError: What was written does not load as a bundle.
        ModelError: As of `page.make`.
        OutputError: The files cannot be written; what was there is untouched.
    """
    markdown, picture = page.make(card, f"{out.name}.png")
    files = {
        ".md": markdown.encode(),
        ".png": picture,
        ".tflite": content,
        ".json": card.model_dump_json(indent=1).encode() + b"\n",
    }
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
            for ending, data in files.items():
                (Path(scratch) / f"{out.name}{ending}").write_bytes(data)
            ModelBundle.load(Path(scratch) / f"{out.name}.tflite")
            _place(Path(scratch), out, list(files))
    except OSError as error:
        message = f"{out}: the bundle cannot be written: {error.strerror}; nothing was changed"
        raise OutputError(message) from error
    return out.with_name(f"{out.name}.tflite")


def write_page(out: Path, card: Card) -> None:
    """Write ``OUT.md`` and ``OUT.png`` alone, of a bundle that is there.

    Raises:
        ModelError: As of `page.make`.
        OutputError: A file cannot be written there.
    """
    markdown, picture = page.make(card, f"{out.name}.png")
    write_atomically(out.with_name(f"{out.name}.png"), picture)
    write_atomically(out.with_name(f"{out.name}.md"), markdown)


def _place(scratch: Path, out: Path, endings: list[str]) -> None:
    """Move the files to their places; if one fails, put the ones before it back."""
    done: list[Path] = []
    try:
        for ending in endings:
            place = out.with_name(f"{out.name}{ending}")
            with contextlib.suppress(FileNotFoundError):
                shutil.copy2(place, scratch / f"{place.name}.old")
                shutil.copymode(place, scratch / place.name)
            (scratch / place.name).replace(place)
            done.append(place)
    except OSError:
        for place in done:
            old = scratch / f"{place.name}.old"
            if old.exists():
                old.replace(place)
            else:
                place.unlink()
        raise
