"""Make a track of one labelled still: its crop drifts, frames blur, neighbours slip in, an expression builds up.

What is made up: nobody in FER2013 is seen twice, so a face that goes from neutral to an expression is a blend of two
people; the motion, the blur and the noise are drawn at random, and no head turns out of the picture's plane.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from train.datasets.faces import DataError
from train.datasets.fer2013 import USAGES
from train.datasets.sequences import NEUTRAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from train.datasets import Faces, Split
    from train.recipes.tracks import TracksConfig

Kind = Literal["one expression", "build-up"]
KINDS: tuple[Kind, ...] = ("one expression", "build-up")

_SETTLES_S = 0.5
"""Time constant of the drift."""

_RAMP_S = (0.3, 1.2)
_SLIPS = (2, 5)
"""Frames that a neighbour is there."""

_SLIP_SHARE = (0.4, 0.8)
_COARSE = (48, 48, 32, 24)
"""Pixels a side that a face has in the camera's frame, one of them for a whole track; it is enlarged again."""


@dataclass(frozen=True, eq=False)
class SyntheticTrack:
    """One face over time."""

    frames: NDArray[np.uint8]
    """``(T, H, W)``"""

    truth: NDArray[np.intp]
    """``(T,)`` index of the label in each frame."""

    kind: Kind


@dataclass(frozen=True, eq=False)
class Stills:
    """Tracks of the faces of one split; neighbours and neutral faces are drawn among them.

    Raises:
        DataError: No face is neutral, so that no expression can build up from one.
    """

    faces: Faces
    split: Split
    """Of the faces; tracks of another one are drawn by other random numbers."""

    def __post_init__(self) -> None:
        """Look for a neutral face."""
        if not (self.faces.truth == self.labels.index(NEUTRAL)).any():
            message = "no face is neutral: tracks in which an expression builds up need some"
            raise DataError(message)

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions."""
        return self.faces.labels

    def __len__(self) -> int:
        """Return the number of faces."""
        return len(self.faces)

    def content(self) -> bytes:
        """Return what the tracks are made of."""
        return self.split.encode() + self.faces.pixels.tobytes() + self.faces.targets.tobytes()

    def track(self, row: int, config: TracksConfig, number: int) -> SyntheticTrack:
        """Return the track of one face; the same arguments give the same pixels.

        Args:
            row: The face that the track shows, or ends with.
            config: The recipe's.
            number: Of the track, which decides with the seed and the split all that is random.
        """
        faces, random = self.faces, random_numbers(config, self.split, number)
        stills, truth = faces.pixels[row].astype(np.float32)[None], np.full(config.frames, faces.truth[row])
        neutral = faces.labels.index(NEUTRAL)
        share = np.ones(config.frames, np.float32)
        kind: Kind = "one expression"
        if truth[0] != neutral and random.random() < config.build_up:
            kind = "build-up"
            before = random.choice(np.flatnonzero(faces.truth == neutral))
            stills = np.stack([faces.pixels[before].astype(np.float32), stills[0]])
            share = _ramp(random, config)
            truth = np.where(share >= 1 / 2, truth, neutral)
        frames = np.stack([stills[-1] * s + stills[0] * (1 - s) for s in share])
        return SyntheticTrack(film(random, frames, faces.pixels, config), truth, kind)


def random_numbers(config: TracksConfig, split: Split, number: int) -> np.random.Generator:
    """Return what draws a track: no track of one split moves, or changes its label, as one of another does."""
    return np.random.default_rng((config.seed, USAGES.index(split), number))


def film(
    random: np.random.Generator, frames: NDArray[np.float32], others: NDArray[np.uint8], config: TracksConfig
) -> NDArray[np.uint8]:
    """Return what a camera sees of a face.

    Args:
        random: Decides all that is random.
        frames: ``(T, H, W)`` the face itself.
        others: ``(N, H, W)`` faces that a neighbour is drawn among.
        config: The recipe's.
    """
    _slip(random, frames, others, config)
    return _record(random, _drift(random, frames, config), config)


def _ramp(random: np.random.Generator, config: TracksConfig) -> NDArray[np.float32]:
    """Return ``(T,)`` shares of the second face: 0, then rising, then 1."""
    length = random.uniform(*_RAMP_S) * config.fps
    middle = random.uniform(0.25, 0.75) * config.frames
    return np.asarray(np.clip((np.arange(config.frames) - middle) / length + 1 / 2, 0, 1), np.float32)


def _slip(
    random: np.random.Generator, frames: NDArray[np.float32], others: NDArray[np.uint8], config: TracksConfig
) -> None:
    """Mix somebody else's face into some frames, or into none."""
    if random.random() >= config.neighbour:
        return
    length = int(random.integers(_SLIPS[0], _SLIPS[1] + 1))
    start = int(random.integers(0, config.frames - length + 1))
    share = np.float32(random.uniform(*_SLIP_SHARE))
    other = others[random.integers(len(others))].astype(np.float32)
    frames[start : start + length] = share * other + (1 - share) * frames[start : start + length]


def _drift(random: np.random.Generator, frames: NDArray[np.float32], config: TracksConfig) -> NDArray[np.float32]:
    """Return the frames as crops that move, grow and tilt: an Ornstein-Uhlenbeck process of each."""
    count, side = len(frames), frames.shape[1]
    keeps = math.exp(-1 / (_SETTLES_S * config.fps))
    walk = random.standard_normal((count, 4))
    for t in range(1, count):
        walk[t] = keeps * walk[t - 1] + math.sqrt(1 - keeps**2) * walk[t]
    moved = np.empty_like(frames)
    for t, (x, y, grows, tilt) in enumerate(walk):
        middle = ((side - 1) / 2, (side - 1) / 2)
        turned = cv2.getRotationMatrix2D(middle, config.turn_degrees * tilt, math.exp(config.drift * grows))
        where = np.asarray(turned, np.float64)
        where[:, 2] += (config.drift * side * x, config.drift * side * y)
        cv2.warpAffine(frames[t], where, (side, side), dst=moved[t], borderMode=cv2.BORDER_REPLICATE)
    return moved


def _record(random: np.random.Generator, frames: NDArray[np.float32], config: TracksConfig) -> NDArray[np.uint8]:
    """Return the frames as a camera records them: blurred by motion, coarse, darker or brighter, with noise."""
    blur = np.float32(random.uniform(0, config.motion_blur))
    frames = np.concatenate([frames[:1], (1 - blur) * frames[1:] + blur * frames[:-1]])
    side, coarse = frames.shape[1], int(random.choice(_COARSE))
    if coarse < side:
        small = (cv2.resize(frame, (coarse, coarse), interpolation=cv2.INTER_AREA) for frame in frames)
        frames = np.stack([cv2.resize(frame, (side, side), interpolation=cv2.INTER_LINEAR) for frame in small])
    mean = frames.mean()
    frames = (frames - mean) * random.uniform(0.6, 1.2) + mean + random.uniform(-30, 30)
    sigma = random.uniform(0, config.noise) * 255
    noise = random.standard_normal(frames.shape, np.float32) * np.float32(sigma)
    return np.asarray(np.clip(frames + noise + 0.5, 0, 255), np.uint8)
