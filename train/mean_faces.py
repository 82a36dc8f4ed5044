"""Mean faces for the test card: what an emotion looks like over many people, and nobody's picture.

The faces of one emotion are brought onto each other before they are averaged,
first as a whole (congealing: Learned-Miller, "Data Driven Image Models through
Continuous Joint Alignment", PAMI 2006), then by smooth optical flow, so that
eyes and mouths meet and their edges survive. A model is never trained on them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.files import write_atomically
from train.datasets import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from train.datasets import Faces

    Picture = NDArray[np.float32]
    """``(SIZE, SIZE)``, mean 0 and standard deviation 1 within `_WINDOW`."""

SIZE = 96
"""Width and height of a mean face, in pixels: twice the data's, for aligned averages resolve more than one picture."""

LEAST, MOST = 100, 200
"""Faces in one mean: as many as are clear, within these."""

CLEAR = 0.8
"""Part of the votes from which a face counts as clear."""

MEAN_LEVEL, CONTRAST = 128.0, 48.0
"""Gray level and standard deviation of the result."""

SAME = 0.75
"""Correlation from which two pictures are taken for one: the data repeats pictures in other crops and mirrored,
and a mean over repeats would be somebody's picture."""

SHARPEN = 1.0
"""Weight of the unsharp mask, over two radii."""

_ROUNDS = 4
_CENTRE = slice(SIZE // 8, SIZE - SIZE // 8)
_WINDOW = (_CENTRE, _CENTRE)
"""The part that hair and background touch least."""


@dataclass(frozen=True)
class MeanFaces:
    """One face per emotion."""

    faces: NDArray[np.uint8]
    """``(E, SIZE, SIZE)`` gray levels; the eyes of all are at the same place."""

    labels: tuple[str, ...]
    counts: tuple[int, ...]
    """People's pictures in each mean; their mirror images are not counted."""


def mean_faces(training: Faces) -> MeanFaces:
    """Average the faces with the clearest votes for each emotion.

    Args:
        training: The training split with vote distributions.

    Raises:
        DataError: An emotion has fewer than `LEAST` faces.
    """
    groups = [
        [_prepare(face) for face in _clearest(training.pixels, share, label)]
        for label, share in zip(training.labels, training.targets.T, strict=True)
    ]
    common = _normalise(np.mean([face for group in groups for face in group], axis=0))
    means = np.stack([_finish(_congeal(group, common)) for group in groups])
    return MeanFaces(means, training.labels, tuple(len(group) for group in groups))


def save(faces: MeanFaces, path: Path) -> None:
    """Write a compressed ``.npz`` with `faces`, `labels` and `counts`; equal values give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, faces=faces.faces, labels=np.array(faces.labels), counts=np.array(faces.counts))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())


def _clearest(pixels: NDArray[np.uint8], share: NDArray[np.float32], label: str) -> list[NDArray[np.uint8]]:
    chosen: list[NDArray[np.uint8]] = []
    for row in np.argsort(-share, kind="stable"):
        enough = len(chosen) >= (MOST if share[row] >= CLEAR else LEAST)
        if enough or share[row] == 0:
            break
        if not any(_same(pixels[row], other) for other in chosen):
            chosen.append(pixels[row])
    if len(chosen) < LEAST:
        message = f"{label}: {len(chosen)} different training faces have votes for it, {LEAST} are wanted"
        raise DataError(message)
    return chosen


def _same(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Return whether two pictures, or one and the other's mirror image, match at any shift of up to 6 pixels."""
    part = other[6:-6, 6:-6]
    return any(cv2.matchTemplate(one, turned, cv2.TM_CCOEFF_NORMED).max() > SAME for turned in (part, part[:, ::-1]))


def _prepare(face: NDArray[np.uint8]) -> Picture:
    large = cv2.resize(face, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return _normalise(large)


def _normalise(picture: ArrayLike) -> Picture:
    levels = np.asarray(picture, np.float32)
    window = levels[_WINDOW]
    return np.asarray((levels - window.mean()) / (window.std() + 1e-6), np.float32)


def _congeal(faces: list[Picture], start: Picture) -> Picture:
    """Average the faces and their mirror images, each moved onto the mean of the round before."""
    both = faces + [np.ascontiguousarray(face[:, ::-1]) for face in faces]
    mean = _symmetric(start)
    warps = [np.eye(2, 3, dtype=np.float32)] * len(both)
    moved = both
    for _ in range(_ROUNDS):
        warps = [_align(mean, face, warp) for face, warp in zip(both, warps, strict=True)]
        moved = [_normalise(_warp(face, warp)) for face, warp in zip(both, warps, strict=True)]
        mean = _robust_mean(moved)
    for _ in range(_ROUNDS):
        mean = _robust_mean([_flow_onto(mean, face) for face in moved])
    return mean


def _align(mean: Picture, face: Picture, start: NDArray[np.float32]) -> NDArray[np.float32]:
    """Find the affine map from the mean's pixels to the face's.

    Evangelidis and Psarakis, "Parametric Image Alignment using Enhanced
    Correlation Coefficient Maximization", PAMI 2008.
    """
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-4)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[_WINDOW] = 1
    try:
        _, warp = cv2.findTransformECC(mean, face, start.copy(), cv2.MOTION_AFFINE, criteria, mask, 5)
    except cv2.error:  # it found no way uphill: the face stays where it was
        return start
    plausible = 0.75 < np.linalg.det(warp[:, :2]) < 1.35
    return np.asarray(warp, np.float32) if plausible else start


def _warp(face: Picture, warp: NDArray[np.float32]) -> Picture:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(face, warp, (SIZE, SIZE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _flow_onto(mean: Picture, face: Picture) -> Picture:
    """Bend the face smoothly onto the mean."""
    flow = np.zeros((SIZE, SIZE, 2), np.float32)
    cv2.calcOpticalFlowFarneback(_levels(mean), _levels(face), flow, 0.5, 3, 21, 4, 7, 1.5, 0)
    smooth = np.asarray(cv2.GaussianBlur(np.clip(flow, -6, 6), (0, 0), 4))
    x, y = np.meshgrid(np.arange(SIZE, dtype=np.float32), np.arange(SIZE, dtype=np.float32))
    bent = cv2.remap(face, x + smooth[..., 0], y + smooth[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return _normalise(bent)


def _robust_mean(faces: list[Picture]) -> Picture:
    """Average all faces, those most like their mean counting most."""
    stack = np.stack(faces)
    mean = stack.mean(axis=0)
    window = (slice(None), *_WINDOW)
    likeness = (stack[window] * mean[_WINDOW]).mean(axis=(1, 2)).clip(0.1)
    return _symmetric(_normalise(np.tensordot(likeness, stack, axes=1)))


def _symmetric(picture: Picture) -> Picture:
    return np.asarray((picture + picture[:, ::-1]) / 2, dtype=np.float32)


def _levels(picture: Picture) -> NDArray[np.uint8]:
    return np.asarray(np.clip(picture * CONTRAST + MEAN_LEVEL, 0, 255), dtype=np.uint8)


def _finish(mean: Picture) -> NDArray[np.uint8]:
    fine = mean - cv2.GaussianBlur(mean, (0, 0), 1.5)
    coarse = mean - cv2.GaussianBlur(mean, (0, 0), 5)
    return _levels(_normalise(mean + SHARPEN * (fine + coarse)))
