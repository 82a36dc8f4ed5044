"""How faces are changed in training; `train.augment` does it."""

from __future__ import annotations

from pydantic import Field, model_validator

from edge.frozen import FrozenModel

LONGEST_MOTION = 7
"""Pixels."""


class AugmentConfig(FrozenModel):
    """How strongly faces are changed; with 0 everywhere (1 for gamma, no flip) they are not."""

    rotate_degrees: float = Field(default=15.0, ge=0, le=90)
    """Largest rotation to either side; people tilt their heads."""

    scale: float = Field(default=0.15, ge=0, lt=1)
    """Largest relative change of size; the detector's box is not the data set's box."""

    grow: float = Field(default=0.0, ge=-0.5, le=0.5)
    """Mean relative change of size; above 0 faces are shown larger, as by a tighter box."""

    shift: float = Field(default=0.1, ge=0, lt=1)
    """Largest shift as a part of the width, for the same reason."""

    shear: float = Field(default=0.0, ge=0, lt=1)
    """Largest shift of the top against the bottom, as a part of the height."""

    flip: bool = True
    """Whether half of the pictures are mirrored."""

    contrast: float = Field(default=0.3, ge=0, lt=1)
    """Largest relative change of contrast around the picture's mean."""

    brightness: float = Field(default=0.15, ge=0, lt=1)
    """Largest change of brightness, as a part of white."""

    gamma: float = Field(default=1.6, ge=1)
    """Largest exponent of the tone curve; its inverse is the smallest. Dim rooms."""

    tone: float = Field(default=0.0, ge=0, le=1)
    """Largest bend of the tone curve, to an S or its opposite: cameras differ. 1: it is flat at one place."""

    side_light: float = Field(default=0.0, ge=0, lt=1)
    """Largest part of the light by which one edge of the face gets more and the opposite one less: a window."""

    noise: float = Field(default=0.05, ge=0, lt=1)
    """Largest standard deviation of sensor noise, as a part of white."""

    blur: float = Field(default=0.7, ge=0, le=1)
    """Largest weight of a 5x5 binomial blur, whose standard deviation is a pixel: small and unsharp faces."""

    blur_share: float = Field(default=1.0, ge=0, le=1)
    """Share of the pictures that are blurred; the others are sharpened."""

    motion: float = Field(default=5.0, ge=1, le=LONGEST_MOTION)
    """Longest path, in pixels, of a face that moves while the picture is taken."""

    motion_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the pictures that are blurred by it."""

    sharpen: float = Field(default=0.0, ge=0, le=1)
    """Largest weight of an unsharp mask of the same kernel: pictures that no resampling has blurred."""

    coarse_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the pictures that are seen as a small face is: with 20, 24 or 32 pixels a side, enlarged again."""

    erase: float = Field(default=0.35, ge=0, lt=1)
    """Largest side of an erased rectangle, as a part of the width; 0 erases nothing.
    A hand before the face; Zhong et al., "Random Erasing", AAAI 2020."""

    erase_least: float = Field(default=0.0, ge=0, lt=1)
    """Smallest side of it, at most `erase`."""

    erase_share: float = Field(default=0.5, ge=0, le=1)
    """Share of the pictures that it is erased in."""

    glasses_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the faces that get glasses, a third of these dark ones."""

    hand_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the faces whose lower part or cheek is covered, as by a hand."""

    one_of: bool = False
    """Each picture is changed in exactly one way, at random: rotated, shifted, erased in part or, with `flip`,
    mirrored. The fields of other changes must be as in `UNCHANGED`."""

    @model_validator(mode="after")
    def _smallest_is_smaller(self) -> AugmentConfig:
        if self.erase_least > self.erase:
            message = f"erase_least: {self.erase_least:g} must be at most erase, {self.erase:g}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _some_are_sharpened(self) -> AugmentConfig:
        if self.sharpen and self.blur_share == 1:
            message = "sharpen: it is for pictures that are not blurred; write a blur_share below 1"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _one_of_these_alone(self) -> AugmentConfig:
        if not self.one_of:
            return self
        for field, value in self:
            if field not in _ONE_OF and value != (neutral := getattr(UNCHANGED, field)):
                message = f"{field}: {value:g} does nothing with one_of; write {neutral:g}"
                raise ValueError(message)
        return self


_ONE_OF = {"one_of", "rotate_degrees", "shift", "flip", "erase", "erase_least"}
"""The fields that count with `AugmentConfig.one_of`."""

UNCHANGED = AugmentConfig(
    rotate_degrees=0, scale=0, shift=0, flip=False, contrast=0, brightness=0, gamma=1, noise=0, blur=0, erase=0
)
"""No augmentation."""
