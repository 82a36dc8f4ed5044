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
        ("seed = 24", "seed = -1", "schedule.seed: must be at least 0"),
        ("seed = 24", "seed = 4294967296", "schedule.seed: must be less than 4,294,967,296"),
        ("seed = 24", "rates = { logits = -1.0 }", "schedule.rates.logits: must be greater than 0"),
        ("blocks = [1,", "blocks = [0,", "network.resnet.blocks.0: must be greater than 0"),
        (
            "blur_share = 0.7",
            "",
            "augment: sharpen: it is for pictures that are not blurred; write a blur_share below 1",
        ),
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


def test_a_recipe_of_an_editor_on_windows_is_read(tmp_path: Path) -> None:
    right = recipes.FOLDER / "emotion.toml"
    file = tmp_path / "windows.toml"
    file.write_bytes(b"\xef\xbb\xbf" + right.read_bytes().replace(b"\n", b"\r\n"))
    assert recipes.load(file) == recipes.load(right)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [('"seed":24', '"seed":-1', "schedule.seed: must be at least 0"), ("{", "", "not a recipe of this version: ")],
)
def test_a_run_s_recipe_of_another_version_is_refused_with_the_key(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = recipes.load(recipes.FOLDER / "emotion.toml").model_dump_json()
    (tmp_path / recipes.OF_RUN).write_text(text.replace(old, new, 1))
    with pytest.raises(recipes.RecipeError, match=re.escape(said)) as refused:
        recipes.of_run(tmp_path)
    assert "validation error" not in str(refused.value)
