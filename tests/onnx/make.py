"""``python -m tests.onnx.make OUT --fer2013 F --ferplus V``: ONNX models as a PyTorch user would make them.

Each network learns FER+ for ten to twenty minutes on one core and is exported by PyTorch, with a
sidecar ``NAME.toml`` that says what no ONNX file does: labels and normalisation. It runs
in an environment of its own, with nothing but torch, numpy and onnx.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn
from torch.nn import functional

from tests.onnx import networks
from train import datasets
from train.datasets import ferplus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from train.datasets import Faces, LabelProtocol

PROTOCOL: LabelProtocol = "ferplus-majority"
SEED = 1
TOLERANCE = 1e-4
"""How far an exported model's outputs may be from PyTorch's own."""


class ExportError(Exception):
    """An exported model does not compute what PyTorch does; the message is for a person."""


@dataclass(frozen=True)
class Stage:
    """A part of the training, with a learning rate that rises and falls once."""

    size: int
    """Width and height that the faces are scaled to, in pixels; small ones are quick."""

    epochs: float
    learning_rate: float
    """Its maximum."""

    batch: int = 32


@dataclass(frozen=True)
class Example:
    """A network, how it learns, and what its file is like."""

    network: Callable[[int], nn.Module]
    """From the number of classes to a network that gives logits."""

    stages: tuple[Stage, ...]
    """The last one is at the size of the exported model."""

    range: tuple[float, float]
    """What black and white become, before mean and standard deviation."""

    mean: tuple[float, ...]
    """One per channel."""

    std: tuple[float, ...]

    labels: tuple[str, ...] = ferplus.LABELS
    """In the order of the outputs."""

    any_batch: bool = True
    """Whether the file leaves the number of faces open, or says 1."""

    probabilities: bool = False
    """Whether the file ends in a softmax."""

    @property
    def name(self) -> str:
        return self.network.__name__

    @property
    def size(self) -> int:
        return self.stages[-1].size


# The longest training first, so that two cores end together.
EXAMPLES = (
    Example(
        networks.mobilefacenet,
        stages=(Stage(112, epochs=4, learning_rate=4e-3),),
        range=(0.0, 255.0),
        mean=(127.5, 127.5, 127.5),
        std=(128.0, 128.0, 128.0),
    ),
    Example(
        networks.efficientnet,
        stages=(
            Stage(96, epochs=2, learning_rate=4e-3),
            Stage(160, epochs=0.3, learning_rate=2e-3),  # a bridge: what 96 pixels taught is of little use at 224
            Stage(224, epochs=0.4, learning_rate=1.5e-3, batch=16),
        ),
        range=(0.0, 1.0),
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        any_batch=False,
    ),
    Example(
        networks.attention,
        stages=(Stage(48, epochs=4, learning_rate=4e-3),),
        range=(0.0, 1.0),
        mean=(0.5,),
        std=(0.5,),
        labels=("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"),  # the file's order
        probabilities=True,
    ),
)


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
            _tell(example, f"kept {model_file(asked.out, example)}")
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


def model_file(out: Path, example: Example) -> Path:
    """Give where the model is, or will be; its sidecar ends in ``.toml``."""
    return out / f"{example.name}.onnx"


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
    _tell(example, f"validation accuracy {accuracy(network, example, validation):.1%} of {len(validation)} faces")
    # eval() anew, as a new Sequential is in training mode, and the exporter puts back the mode that it finds.
    model = nn.Sequential(network, nn.Softmax(dim=1)).eval() if example.probabilities else network
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        file, notes = Path(scratch) / "model.onnx", Path(scratch) / "model.toml"
        export(model, example, file)
        check(file, model, example, _inputs(example, validation, slice(4)))
        notes.write_text(sidecar(example), encoding="utf-8")
        place = model_file(out, example)
        notes.replace(place.with_suffix(".toml"))
        file.replace(place)  # last: who finds the model finds its sidecar
    _tell(example, f"wrote {place}")


def train(network: nn.Module, example: Example, faces: Faces) -> None:
    """Teach a network the votes, stage by stage."""
    pixels, targets = torch.from_numpy(faces.pixels), torch.from_numpy(_targets(example, faces))
    start = time.monotonic()
    for stage in example.stages:
        steps = round(stage.epochs * len(faces) / stage.batch)
        optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, stage.learning_rate, total_steps=steps, pct_start=0.2)
        network.train()
        losses = []
        for step, rows in enumerate(_batches(len(faces), stage.batch, steps), start=1):
            shown = normalise(augment(pixels[rows], stage.size), example)
            loss = functional.cross_entropy(network(shown), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            if step % (len(faces) // stage.batch) == 0 or step == steps:
                epoch = step * stage.batch / len(faces)
                _tell(
                    example,
                    f"epoch {epoch:.1f} of {stage.epochs:g} at {stage.size} pixels: "
                    f"loss {np.mean(losses):.3f}, {time.monotonic() - start:.0f} s",
                )
                losses = []


def _batches(faces: int, size: int, count: int) -> Iterator[Tensor]:
    while True:
        for rows in torch.randperm(faces).split(size):
            if not count:
                return
            count -= 1
            yield rows


def augment(pixels: Tensor, size: int) -> Tensor:
    """Flip, turn, zoom and shift each face a little, and scale it.

    Args:
        pixels: ``(N, H, W)`` uint8 gray levels.
        size: Width and height of the result.

    Returns:
        ``(N, 1, size, size)`` float32 gray levels 0..255.
    """
    count = len(pixels)
    flip = torch.randint(2, (count,)) * 2.0 - 1
    angle, zoom = torch.empty(count).uniform_(-0.2, 0.2), torch.empty(count).uniform_(0.85, 1.1)
    shift = torch.empty(count, 2).uniform_(-0.08, 0.08)
    across, down = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    matrix = torch.stack(
        [torch.stack([across * flip, -down, shift[:, 0]], 1), torch.stack([down * flip, across, shift[:, 1]], 1)], 1
    )
    grid = functional.affine_grid(matrix, [count, 1, size, size], align_corners=False)
    return functional.grid_sample(pixels[:, None].float(), grid, padding_mode="border", align_corners=False)


def normalise(gray: Tensor, example: Example) -> Tensor:
    """Turn ``(N, 1, H, W)`` gray levels 0..255 into a network's ``(N, C, H, W)`` input."""
    low, high = example.range
    mean, std = (torch.tensor(values)[:, None, None] for values in (example.mean, example.std))
    shown: Tensor = (gray / 255 * (high - low) + low - mean) / std
    return shown.contiguous(memory_format=torch.channels_last)


def accuracy(network: nn.Module, example: Example, faces: Faces) -> float:
    """Give the share of faces whose most voted label the network finds."""
    truth = _targets(example, faces).argmax(axis=1)
    hits = 0
    with torch.inference_mode():
        for start in range(0, len(faces), 32):
            rows = slice(start, start + 32)
            hits += int((network(_inputs(example, faces, rows)).argmax(dim=1).numpy() == truth[rows]).sum())
    return hits / len(faces)


def _inputs(example: Example, faces: Faces, rows: slice) -> Tensor:
    gray = torch.from_numpy(faces.pixels[rows])[:, None].float()
    return normalise(functional.interpolate(gray, (example.size, example.size), mode="bilinear"), example)


def _targets(example: Example, faces: Faces) -> NDArray[np.float32]:
    return faces.targets[:, [faces.labels.index(label) for label in example.labels]]


def export(model: nn.Module, example: Example, file: Path) -> None:
    """Write a model in eval mode as ONNX."""
    output = "probabilities" if example.probabilities else "logits"
    face = torch.zeros(1, len(example.mean), example.size, example.size)
    with warnings.catch_warnings():
        # PyTorch would rather have its new exporter used, but most files that there are were made by this one.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model,
            (face,),
            str(file),
            dynamo=False,
            opset_version=17,
            input_names=["faces"],
            output_names=[output],
            dynamic_axes={"faces": {0: "batch"}, output: {0: "batch"}} if example.any_batch else None,
        )


def check(file: Path, model: nn.Module, example: Example, faces: Tensor) -> None:
    """Compare a file with the model it was made from.

    Raises:
        ExportError: Some output differs by more than `TOLERANCE`.
    """
    session: Any = ReferenceEvaluator(str(file))
    with torch.inference_mode():
        expected = model(faces).numpy()
    got = np.concatenate([session.run(None, {"faces": face[None].numpy()})[0] for face in faces])
    worst = np.abs(got - expected).max()
    if not worst <= TOLERANCE:  # nan too
        message = (
            f"{example.name}: no model is written: ONNX's reference computes other outputs from the exported file than "
            f"PyTorch {torch.__version__}, by up to {worst:.2g} where {TOLERANCE:g} is allowed"
        )
        raise ExportError(message)


def sidecar(example: Example) -> str:
    """Give the text of the file that says what each output is and how the faces are normalised."""
    return (
        f"labels = {json.dumps(example.labels)}\n"
        f'protocol = "{PROTOCOL}"\n'
        "[input]\n"
        f"range = {json.dumps(example.range)}\n"
        f"mean = {json.dumps(example.mean)}\n"
        f"std = {json.dumps(example.std)}\n"
    )


def _tell(example: Example, text: str) -> None:
    sys.stdout.write(f"{example.name}: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
