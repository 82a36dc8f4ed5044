"""Train a PyTorch network on FER+ votes for ten to twenty minutes on one core."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.onnx.examples import tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tests.onnx.examples import Example
    from train.datasets import Faces


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
                tell(
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
    """Return the share of faces whose most voted label the network finds."""
    truth = _targets(example, faces).argmax(axis=1)
    hits = 0
    with torch.inference_mode():
        for start in range(0, len(faces), 32):
            rows = slice(start, start + 32)
            hits += int((network(inputs(example, faces, rows)).argmax(dim=1).numpy() == truth[rows]).sum())
    return hits / len(faces)


def inputs(example: Example, faces: Faces, rows: slice) -> Tensor:
    """Return faces as a network's input: ``(N, C, size, size)`` float32."""
    gray = torch.from_numpy(faces.pixels[rows])[:, None].float()
    return normalise(functional.interpolate(gray, (example.size, example.size), mode="bilinear"), example)


def _targets(example: Example, faces: Faces) -> NDArray[np.float32]:
    return faces.targets[:, [faces.labels.index(label) for label in example.labels]]
