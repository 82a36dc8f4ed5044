"""Small jobs: packed, and unpacked as their users do."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from tests.train import synthetic
from tests.train.synthetic import call
from train.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def write_recipes(folder: Path) -> list[Path]:
    """Write two recipes of two epochs each; the second starts from the first, learns from it and climbs."""
    text = synthetic.RECIPE.replace(f"epochs = {synthetic.EPOCHS}", "epochs = 2")
    text = text.replace('training = "ferplus"', 'training = "ferplus"\nalso = "fer2013"\nclutter = 8')
    texts = {
        "first": text.replace('"tiny"', '"first"'),
        "second": text.replace('name = "tiny"', 'name = "second"\nstart = "runs/first/first.npz"\nstart_share = 0.25')
        .replace("clutter = 8", 'clutter = 8\nteachers = ["runs/first/first.npz"]')
        .replace("epochs = 2", "epochs = 2\nsharpness_radius = 0.1"),
    }
    for name, written in texts.items():
        (folder / f"{name}.toml").write_text(written, encoding="utf-8")
    return [folder / f"{name}.toml" for name in texts]


def unpacked(folder: Path, recipes: Sequence[Path], data: Sequence[str]) -> Path:
    """Pack recipes, unpack the job in the same folder, and return where it is."""
    out = folder / "job.tar.xz"
    assert call(main, ["pack", *map(str, recipes), *data, "--clips", "none", "--out", str(out)]) == 0
    with tarfile.open(out) as archive:
        archive.extractall(folder, filter="data")
    return folder / "job"
