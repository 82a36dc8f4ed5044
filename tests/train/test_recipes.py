from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from train import recipes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("epochs = 6", "epochs = 0", "schedule.epochs: must be greater than 0"),
        ("epochs = 6", "epochs = 1.5", "schedule.epochs: must be a whole number"),
        ("stem = 16", "stem = 8", "network.resnet.stem: must be at least 16"),
        ("widths = [32,", "widths = [8,", "network.resnet.widths.0: must be at least 16"),
        ("stem = 16", "stemm = 16", "network.resnet.stemm: there is no such key"),
        ('kind = "resnet"', 'kind = "vgg"', "network: 'kind' must be one of 'cnn_deep_head', "),
        ('training = "ferplus"', 'training = "ck"', "data.training: must be 'ferplus', 'fer2013' or 'folder'"),
        ('name = "emotion"', 'name = "Émotion"', "name: must match ^[a-z0-9][a-z0-9_-]*$"),
        ('start = "train/weights/emotion-clutter.npz"', "", "start_share: name the network in start, or leave it out"),
        (
            "[network]",
            "[loss]\nlogit_adjustment = 2\n[network]",
            "loss.logit_adjustment: must be at most 1",
        ),
        (
            "[network]",
            '[loss]\nkind = "squared_hinge"\nlogit_adjustment = 1\n[network]',
            "loss: logit_adjustment: it is for a softmax, which squared_hinge has not; write 0",
        ),
        (
            "[network]",
            'teachers = ["x.npz"]\n[loss]\nlogit_adjustment = 1\n[network]',
            "loss.logit_adjustment: teachers expect emotions as often as the labels have them; write 0",
        ),
    ],
)
def test_a_wrong_value_is_told_in_plain_words_with_its_key(tmp_path: Path, old: str, new: str, problem: str) -> None:
    right = (recipes.FOLDER / "emotion.toml").read_text("utf-8")
    assert old in right
    file = tmp_path / "wrong.toml"
    file.write_text(right.replace(old, new), encoding="utf-8")
    with pytest.raises(recipes.RecipeError, match=re.escape(f"{file}: {problem}")):
        recipes.load(file)
