"""``python -m tests.onnx.make OUT --fer2013 F --ferplus V``: ONNX models as a PyTorch user would make them.

Each network is trained and exported by PyTorch, with a sidecar ``NAME.toml`` that says what no ONNX file
does: labels and normalisation. It runs in an environment of its own, with nothing but torch, numpy and onnx.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from tests.onnx.examples import EXAMPLES, PROTOCOL, model_file, tell
from tests.onnx.export import ExportError, check, export, sidecar
from tests.onnx.training import accuracy, inputs, train
from train import datasets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.onnx.examples import Example

SEED = 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the models that are not there yet."""
    parser = argparse.ArgumentParser(prog="python -m tests.onnx.make")
    parser.add_argument("out", type=Path, help="the models' folder")
    parser.add_argument("--fer2013", type=Path, required=True, help="fer2013.tar.gz or fer2013.csv")
    parser.add_argument("--ferplus", type=Path, required=True, help="fer2013new.csv")
    parser.add_argument("--fresh", action="store_true", help="make models anew that are there")
    asked = parser.parse_args(arguments)
    missing = []
    for example in EXAMPLES:
        if asked.fresh or not model_file(asked.out, example).exists():
            missing.append(example)
        else:
            tell(example, f"kept {model_file(asked.out, example)}")
    if not missing:
        return
    # One process and few threads for each: threads of one network wait for each other where other programs run.
    workers = min(len(missing), os.cpu_count() or 1)
    threads = max(1, (os.cpu_count() or 1) // workers)
    one = partial(make, out=asked.out, fer2013=asked.fer2013, ferplus_file=asked.ferplus, threads=threads)
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(one, missing))
    except (datasets.DataError, ExportError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


def make(example: Example, out: Path, fer2013: Path, ferplus_file: Path, threads: int) -> None:
    """Train, export and check one model, and write it with its sidecar.

    Raises:
        DataError: The faces or votes are missing or damaged.
        ExportError: The file does not compute what PyTorch does.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(SEED)
    training = datasets.load("ferplus", "Training", fer2013, ferplus_file)
    validation = datasets.load(PROTOCOL, "PublicTest", fer2013, ferplus_file)
    network = example.network(len(example.labels)).to(memory_format=torch.channels_last)  # twice as fast on a CPU
    train(network, example, training)
    network.eval()
    tell(example, f"validation accuracy {accuracy(network, example, validation):.1%} of {len(validation)} faces")
    # eval() anew, as a new Sequential is in training mode, and the exporter puts back the mode that it finds.
    model = nn.Sequential(network, nn.Softmax(dim=1)).eval() if example.probabilities else network
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        file, notes = Path(scratch) / "model.onnx", Path(scratch) / "model.toml"
        export(model, example, file)
        check(file, model, example, inputs(example, validation, slice(4)))
        notes.write_text(sidecar(example), encoding="utf-8")
        place = model_file(out, example)
        notes.replace(place.with_suffix(".toml"))
        file.replace(place)  # last: who finds the model finds its sidecar
    tell(example, f"wrote {place}")


if __name__ == "__main__":
    main()
