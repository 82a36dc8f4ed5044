"""Time all systems in turn, try noise on those that are kept, and write what `convert` says: ``make bench-systems``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import train.tensorflow_settings  # noqa: F401  # before anything that imports keras

# isort: split
from convert.errors import ModelError
from convert.load.export import to_tflite
from convert.peers.measure import time_in_turn
from edge.files import write_atomically
from edge.inference.bundle import SHIPPED
from edge.system.machine import Machine
from train import networks, recipes
from train.datasets import load
from train.embedding import load_backbone, with_backbone
from train.evaluate.models import open_model
from train.evaluate.robustness import NOISE, NONE, under_changes
from train.fit import save_atomically
from train.heads import emotion_models, heads_of
from train.keep import FOLDER
from train.systems import SYSTEMS, measured, read_card
from train.systems.cost import own_accuracy

if TYPE_CHECKING:
    import keras

    from train.recipes import Recipe

RUNS = Path("runs")


def untrained(recipe: Recipe) -> keras.Model:
    """Return a system's network with random weights, which change neither time nor size."""
    network = networks.build(recipe.network, heads_of(recipe.data)[-1].columns.stop)
    backbone = load_backbone(recipe)
    return with_backbone(network, backbone) if backbone else network


def as_float(name: str, network: keras.Model) -> bytes:
    """Return a network as a float ``.tflite`` file.

    Raises:
        ModelError: TFLite has no operator for something that it does.
    """
    shape = tuple(size or 1 for size in network.input_shape[1:])  # a track of one frame
    return to_tflite(Path(name), network, shape, network)


def bundles_of(recipe: Recipe, data: list[str]) -> tuple[list[Path], str]:
    """Return a system's bundles, or why there are none: the shipped ones, or what `convert` makes of kept weights."""
    shipped = [SHIPPED.with_name(f"{name}.tflite") for _, name in emotion_models(heads_of(recipe.data), recipe.name)]
    if all(path.exists() for path in shipped):
        return shipped, ""
    model, bundle = RUNS / recipe.name / f"{recipe.name}.keras", RUNS / "bundles" / recipe.name
    convert = ["convert", str(model), "--out", str(bundle), *data]
    said, trusted = run(convert), ""
    if "with --trust" in said:
        trusted = "it is not loaded without `--trust`, since it has a layer of its own; with it, "
        said = run([*convert, "--trust"])
    if not said:
        return [bundle.with_suffix(".tflite")], ""
    return [], trusted + said.replace(f"{model}: ", "").replace("no bundle is written: ", "")


def under_noise(recipe: Recipe, fer2013: Path, ferplus: Path) -> dict[str, Any]:
    """Return a system's accuracy on PrivateTest without noise and with some."""
    head = heads_of(recipe.data)[0]
    model = open_model(RUNS / recipe.name / f"{recipe.name}.keras")
    faces = load(head.protocol, "PrivateTest", fer2013, ferplus)
    found = dict(under_changes(model.logits, model.labels, faces, (NONE, *NOISE)))
    return {"noise": found, "noise_labels": "FER2013" if head.protocol == "fer2013" else "FER+"}


def run(command: list[str]) -> str:
    """Run a module of the project; return what it says on standard error if it fails, as one line."""
    ended = subprocess.run([sys.executable, "-m", *command], stderr=subprocess.PIPE, text=True, check=False)
    return "; ".join(ended.stderr.strip().splitlines()) if ended.returncode else ""


def of_bundles(paths: list[Path], milliseconds: float) -> measured.Int8Figures:
    """Return what a system's bundles have, the first of which was timed."""
    cards = [read_card(path.with_suffix(".json")) for path in paths]
    accuracy = {name: value for card in cards for name, value in own_accuracy(card).items()}
    return measured.Int8Figures(bytes=paths[0].stat().st_size, ms=milliseconds, accuracy=accuracy)


def main() -> None:
    """Measure everything and write `train.systems.measured.FILE`."""
    parser = argparse.ArgumentParser(prog="python -m tests.measure.systems", description=__doc__)
    parser.add_argument("fer2013", type=Path)
    parser.add_argument("ferplus", type=Path)
    parser.add_argument("--rounds", type=int, default=15, help="how often each network is timed, in turn")
    given = parser.parse_args()
    data = ["--fer2013", str(given.fer2013), "--ferplus", str(given.ferplus)]
    files: dict[tuple[str, str], bytes] = {}
    bundles: dict[str, list[Path]] = {}
    figures: dict[str, dict[str, Any]] = {}
    for name in SYSTEMS:
        sys.stdout.write(f"{name}\n")
        recipe = recipes.load(recipes.FOLDER / f"{name}.toml")
        network, weights = untrained(recipe), FOLDER / f"{name}.npz"
        figures[name] = {}
        try:
            files[name, "float"] = as_float(name, network)
            figures[name]["float_bytes"] = len(files[name, "float"])
        except ModelError as error:
            sys.stdout.write(f"{error}\n")
        if not weights.exists() and not recipe.network.landmarks:
            continue
        if not weights.exists():  # it is refused for what it takes, whatever it has learned
            save_atomically(network, RUNS / name / f"{name}.keras")
        elif said := run(["train", "restore", str(weights), "--out", str(RUNS / name)]):
            sys.exit(said)
        if not recipe.network.landmarks:
            figures[name] |= under_noise(recipe, given.fer2013, given.ferplus)
        bundles[name], figures[name]["refused"] = bundles_of(recipe, data)
        if bundles[name]:
            files[name, "int8"] = bundles[name][0].read_bytes()
    times = time_in_turn(files, given.rounds)
    for name, found in figures.items():
        found["float_ms"] = times.get((name, "float"))
        if (name, "int8") in times:
            found["int8"] = of_bundles(bundles[name], times[name, "int8"])
    everything = measured.SystemsMeasured(
        machine=Machine().model(),
        cores=os.cpu_count() or 1,
        load=round(os.getloadavg()[0], 1),
        rounds=given.rounds,
        systems={name: measured.SystemFigures.model_validate(found) for name, found in figures.items()},
    )
    write_atomically(measured.FILE, everything.model_dump_json(indent=1) + "\n")
    sys.stdout.write(f"{measured.FILE}\n")


if __name__ == "__main__":
    main()
