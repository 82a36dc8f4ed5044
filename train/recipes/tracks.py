"""Tracks made of stills or of recorded sequences, for networks that remember frames; `train.tracks` makes them."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from edge.frozen import FrozenModel


class TracksConfig(FrozenModel):
    """How faces become tracks, and which network sees each frame."""

    network: Path = Path("train/weights/emotion.npz")
    """Whose embeddings of a frame are the input, as `train.kept` writes it; relative to the repository. It is not
    changed."""

    sha256: str = ""
    """Of that file: a network over frames goes with this one alone. `fit` fills it in; empty: any."""

    training: int = Field(default=5000, gt=0)
    """Tracks of training faces."""

    validation: int = Field(default=1000, gt=0)
    """Tracks of PublicTest's; of PrivateTest's there is one for each face."""

    frames: int = Field(default=24, ge=8, le=255)
    """Frames of a track."""

    fps: float = Field(default=10.0, gt=0, le=120)
    """Frames a second in which a face is read."""

    folder_fps: float = Field(default=30.0, gt=0, le=1000)
    """Frames a second of the sequences in a folder; CK+'s are 30."""

    build_up: float = Field(default=0.5, ge=0, le=1)
    """Share of the tracks of stills, neutral ones aside, that begin with the neutral face of somebody else: the two are
    blended over 0.3 to 1.2 seconds, and the label changes at the half."""

    drift: float = Field(default=0.06, ge=0, lt=0.5)
    """Standard deviation of the crop's place and size, as a part of its width; it changes within half a second."""

    turn_degrees: float = Field(default=6.0, ge=0, le=45)
    """Standard deviation of the head's tilt."""

    neighbour: float = Field(default=0.5, ge=0, le=1)
    """Share of the tracks in which another person's face is mixed in for 2 to 5 frames, as if the box slipped."""

    motion_blur: float = Field(default=0.5, ge=0, lt=1)
    """Largest share of the frame before in a frame."""

    noise: float = Field(default=0.05, ge=0, lt=1)
    """Largest standard deviation of sensor noise, as a part of white; new in each frame."""

    seed: int = Field(default=1, ge=0, lt=2**32)
