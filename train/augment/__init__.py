"""Random changes that a Pi's camera and detector make to a face, as Keras layers.

Each layer maps float32 gray pictures ``(N, H, W, 1)`` in 0..255 to the same, does
nothing outside training, and runs on the accelerator with any Keras backend.
"""

from __future__ import annotations

from train.augment.chain import Augmentation

__all__ = ["Augmentation"]
