"""Print how much each random change of faces changes gray pictures, as JSON: option to mean absolute difference.

Usage: python changes.py JOB, with KERAS_BACKEND set; it needs what a job needs.
"""

from __future__ import annotations

import json
import sys

import numpy as np

JOB = sys.argv[1]
sys.path.insert(0, JOB)  # its own sources, not the repository's

OPTIONS = {
    "rotate_degrees": 15.0, "scale": 0.2, "shift": 0.1, "shear": 0.1, "contrast": 0.3, "brightness": 0.15, "gamma": 1.8,
    "tone": 0.6, "side_light": 0.5, "noise": 0.08, "blur": 1.0, "sharpen": 0.5, "motion_share": 0.5,
    "coarse_share": 0.5, "erase": 0.4, "glasses_share": 0.5, "hand_share": 0.5,
}  # fmt: skip


def main() -> None:
    """Change 1,024 pictures by each option alone."""
    import keras  # noqa: PLC0415  # of the job's environment
    from keras import ops  # noqa: PLC0415

    from train.augment import Augmentation  # noqa: PLC0415  # of the job
    from train.recipes.augment import UNCHANGED  # noqa: PLC0415

    across, down = np.meshgrid(np.arange(48), np.arange(48))
    picture = 128 + 60 * np.sin(across / 4) + 60 * np.cos(down / 5)
    pictures = np.tile(picture, (1024, 1, 1)).astype(np.float32)[..., None]
    keras.utils.set_random_seed(1)
    found = {}
    for option, value in OPTIONS.items():
        share = {"blur_share": 0.0} if option == "sharpen" else {}
        augmentation = Augmentation(UNCHANGED.model_copy(update={option: value, **share}))
        changed = ops.convert_to_numpy(augmentation(ops.convert_to_tensor(pictures), training=True))
        assert changed.shape == pictures.shape
        found[option] = float(np.abs(changed - pictures).mean())
    sys.stdout.write(json.dumps(found))


main()
