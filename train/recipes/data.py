"""What a model learns from: labelled faces, and what is taught besides."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from edge.frozen import FrozenModel
from train.recipes.tracks import TracksConfig


class DataConfig(FrozenModel):
    """What the model learns from."""

    training: Literal["ferplus", "fer2013", "folder"] = "ferplus"
    """The labels that the model is for."""

    folder: Path | None = None
    """The folder of labelled faces of ``training = "folder"``, relative to the repository: ``train/angry/1.png`` with
    splits, or ``anger/S010_004_00000017.png``, where 70 % of the people train, 20 % validate and 10 % test."""

    balance: Literal["none", "sampling", "weights"] = "none"
    """How rare labels of the first head are made up for. `sampling`: an epoch has as many faces as ever, drawn with
    replacement so that each label is as frequent. `weights`: the loss of a face is multiplied by the inverse of its
    label's frequency, 1 on average. What has no label keeps its share."""

    also: Literal["ferplus", "fer2013"] | None = None
    """Labels of a second head that is trained with the first; its model is written too."""

    also_weight: float = Field(default=0.5, gt=0)
    """Weight of the second head's loss; the first one's is 1."""

    teachers: tuple[Path, ...] = ()
    """Networks, ``NAME.npz`` as `train.kept` writes them, relative to the repository. Their mean answer for the same
    augmented picture is learned, for each head that they have too. Hinton et al., "Distilling the Knowledge in a Neural
    Network", 2015; Beyer et al., "Knowledge distillation: A good teacher is patient and consistent", CVPR 2022."""

    teacher_weight: float = Field(default=0.5, gt=0, le=1)
    """Weight of the teachers' answers; that of the labels is 1 less it. Faces without labels have the answers alone."""

    temperature: float = Field(default=1.0, ge=1)
    """Divisor of the teachers' logits and of the network's beside them: above 1, small probabilities count more."""

    clutter: int = Field(default=0, ge=0)
    """How many negatives are used, pictures that are no faces. If there are any, the model has a face score."""

    misplaced: int = Field(default=0, ge=0)
    """How many of the training faces are used as negatives too, cut beside the face or to a part of it; none without
    `clutter`."""

    face_weight: float = Field(default=0.25, gt=0)
    """Weight of the face score's loss."""

    tracks: TracksConfig | None = None
    """Tracks made of the faces, for networks that remember frames; None: each face is learned by itself. They are of
    faces that most annotators gave the same label, or of a folder's sequences from neutral to the peak, as in
    ``anger/S010_004_00000001.png`` to ``…17.png``."""

    @property
    def uses_votes(self) -> bool:
        """Whether FER+'s votes are needed; FER2013's labels alone need none, and then every row is learned from."""
        return bool(self.training == "ferplus" or self.also or self.clutter or self.teachers)

    @model_validator(mode="after")
    def _labels_differ(self) -> DataConfig:
        if self.also == self.training:
            message = "also: name other labels than training's, or leave it out"
            raise ValueError(message)
        if (self.training == "folder") != bool(self.folder):
            message = 'folder: name one with training = "folder", and only there'
            raise ValueError(message)
        if self.folder and (self.also or self.clutter or self.teachers):
            message = "folder: its faces are learned without also, clutter or teachers"
            raise ValueError(message)
        if self.tracks and self.balance != "none":
            message = 'balance: write "none" for tracks, whose frames have different labels'
            raise ValueError(message)
        if self.tracks and (self.also or self.clutter or self.teachers or self.training == "fer2013"):
            message = 'tracks: they have the labels "ferplus" or those of a folder, without also, clutter or teachers'
            raise ValueError(message)
        return self
