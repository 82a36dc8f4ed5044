"""BlazeFace, short range: a network that finds faces, to compare with.

Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019. Its file is MediaPipe's,
under the Apache Licence 2.0, and no part of this project; ``make blazeface`` gets it. What is done before and after the
network is what MediaPipe 0.10.21 does (``modules/face_detection``), without its key points.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.errors import ConfigError
from edge.files import read_regular
from edge.geometry import Rect
from edge.inference.runtime import open_interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SHA256 = "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"
"""Of ``face_detection_short_range.tflite`` in MediaPipe 0.10.21, from which every figure of `BlazeFace` is."""

SIDE = 128
"""Pixels of the network's square input."""

_LAYERS = ((8, 2), (16, 6))
"""Strides in pixels of the input, and anchors in each cell. MediaPipe names the second stride three times, with two."""

_CLIP = 100.0
"""Largest absolute score before the sigmoid."""

_SAME_OVERLAP = 0.3
"""Intersection over union above which two boxes are of the same face."""

_MOST_BYTES = 10_000_000
"""Forty times the file's size."""

_UP, _GROWTH = 0.10, 1.17
"""How much higher our box lies, as a part of BlazeFace's width, and how much wider it is: BlazeFace's is tight.

Measured on `train.simulation` with PublicTest faces, 318 boxes of 511 true ones, medians: 0.01 to the left, 0.10
upwards (90 of 100: 0.02 to 0.17), 1.17 times as wide (1.00 to 1.44). So mapped, 316 match by `edge.bench.matching`.
"""


class BlazeFace:
    """The network on one thread."""

    def __init__(self, file: Path) -> None:
        """Load the network.

        Args:
            file: ``face_detection_short_range.tflite``.

        Raises:
            ConfigError: It cannot be read, or is another file.
            BundleError: No TFLite runtime is installed.
        """
        try:
            content = read_regular(file, _MOST_BYTES)
        except OSError as error:
            message = f"{file}: cannot be read: {error.strerror}; 'make blazeface' gets BlazeFace's file"
            raise ConfigError(message) from None
        if hashlib.sha256(content).hexdigest() != SHA256:
            message = f"{file}: not face_detection_short_range.tflite of MediaPipe 0.10.21; 'make blazeface' gets it"
            raise ConfigError(message)
        self._interpreter = open_interpreter(content).interpreter
        (self._input,) = (tensor["index"] for tensor in self._interpreter.get_input_details())
        outputs = {tensor["shape"][-1]: tensor["index"] for tensor in self._interpreter.get_output_details()}
        self._scores, self._boxes = outputs[1], outputs[16]
        self._anchors = anchors()

    def search(self, gray: NDArray[np.uint8]) -> list[Rect]:
        """Return the faces of a whole ``(H, W)`` frame, with boxes as large as the cascade's."""
        height, width = gray.shape
        scale = SIDE / max(height, width)
        levels = letterboxed(gray).astype(np.float32) / np.float32(127.5) - 1
        self._interpreter.set_tensor(self._input, cv2.cvtColor(levels, cv2.COLOR_GRAY2RGB)[np.newaxis])
        self._interpreter.invoke()
        scores = self._interpreter.get_tensor(self._scores)[0, :, 0]
        boxes, sure = decode(self._interpreter.get_tensor(self._boxes)[0], scores, self._anchors)
        left, top = (SIDE - width * scale) / 2, (SIDE - height * scale) / 2
        found = (suppress(boxes, sure) - (left, top, 0, 0)) / scale
        return [_as_ours(*box[:3]) for box in found.tolist()]


def anchors() -> NDArray[np.float32]:
    """Return the centre of each anchor in pixels of the input, x and y: ``(896, 2)``."""
    found = []
    for stride, each in _LAYERS:
        at = np.arange(stride / 2, SIDE, stride)
        y, x = np.meshgrid(at, at, indexing="ij")
        found.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), each, axis=0))
    return np.asarray(np.concatenate(found), np.float32)


def letterboxed(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an ``(H, W)`` frame as large as the network's input, in the middle of black: ``(SIDE, SIDE)``.

    MediaPipe shrinks bilinearly, which skips pixels of 640x480: with a mean over all of them the network found 318
    instead of 244 of 511 faces in noisy scenes, for 0.06 ms more.
    """
    height, width = gray.shape
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    square = np.zeros((SIDE, SIDE), np.uint8)
    left, top = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
    square[top : top + size[1], left : left + size[0]] = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return square


def decode(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], centres: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the boxes whose score is at least 0.5, and their scores.

    Args:
        boxes: ``(N, 16)`` pixels: x and y of the centre from the anchor's, width, height, and the key points.
        scores: ``(N,)`` logits.
        centres: ``(N, 2)`` anchors.

    Returns:
        ``(K, 4)`` x and y of the centre, width, height, and ``(K,)`` scores from 0 to 1.
    """
    sure = scores >= 0  # where the sigmoid is at least 0.5, the least score
    kept = boxes[sure, :4].copy()
    kept[:, :2] += centres[sure]
    return kept, 1 / (1 + np.exp(-np.clip(scores[sure], -_CLIP, _CLIP)))


def suppress(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return one box for each face, the mean of those that overlap with its best one, weighted by their scores.

    Args:
        boxes: ``(K, 4)`` x and y of the centre, width, height.
        scores: ``(K,)``

    Returns:
        ``(F, 4)``, the best first.
    """
    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order], scores[order]
    low, high = boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2
    area = np.prod(boxes[:, 2:], axis=1)
    left = np.arange(len(boxes))
    found = []
    while len(left):
        best = left[0]
        sides = np.minimum(high[best], high[left]) - np.maximum(low[best], low[left])
        shared = np.prod(np.clip(sides, 0, None), axis=1)
        same = shared > _SAME_OVERLAP * (area[best] + area[left] - shared)
        same[0] = True
        found.append(np.average(boxes[left[same]], axis=0, weights=scores[left[same]]))
        left = left[~same]
    return np.array(found, np.float32).reshape(-1, 4)


def _as_ours(x: float, y: float, width: float) -> Rect:
    """Return the box that the cascade would return of the same face."""
    side = _GROWTH * width
    return Rect(x - side / 2, y - _UP * width - side / 2, side, side)
