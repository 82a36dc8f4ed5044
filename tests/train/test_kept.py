from __future__ import annotations

import io
from typing import TYPE_CHECKING
from zipfile import ZipFile

import numpy as np
import pytest

from tests.archives import METHODS, damaged_archive
from train import kept, recipes
from train.recipes import Recipe, RecipeError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.train.synthetic import Run


def test_a_network_is_read_as_it_was_written(trained: Run, tmp_path: Path) -> None:
    network = kept.load(trained.out / "tiny.npz")
    assert network.recipe == recipes.load(trained.recipe)
    again = kept.save(tmp_path / "again.npz", network.recipe, network.weights)
    assert again == network.sha256
    assert (tmp_path / "again.npz").read_bytes() == (trained.out / "tiny.npz").read_bytes()
    built = network.build().get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(built, network.weights, strict=True))


def test_half_precision_takes_half_and_what_is_too_large_for_it_stays(trained: Run) -> None:
    network = kept.load(trained.out / "tiny.npz")
    weights = list(network.weights)
    weights[-1] = weights[-1] + 1e6
    content = kept.pack(network.recipe, weights, half=True)
    half = kept.unpack(content).weights
    assert len(content) < 0.6 * (trained.out / "tiny.npz").stat().st_size
    for one, other in zip(weights, half, strict=True):
        assert other == pytest.approx(one, rel=1e-3, abs=1e-6)
    assert np.array_equal(half[-1], weights[-1])


def test_what_is_no_network_is_refused(trained: Run, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"none\.npz: No such file"):
        kept.load(tmp_path / "none.npz")
    whole = (trained.out / "tiny.npz").read_bytes()
    pickled = io.BytesIO()
    np.savez(pickled, meta=np.array([print], dtype=object))
    other = io.BytesIO()
    np.savez(other, weights=np.zeros(3))
    packed = [damaged_archive({"meta.npy": b"{}"}, method) for method in METHODS]
    for content in (b"", b"no zip", whole[:-200], pickled.getvalue(), other.getvalue(), *packed):
        (tmp_path / "wrong.npz").write_bytes(content)
        with pytest.raises(RecipeError, match=r"wrong\.npz: not a network"):
            kept.load(tmp_path / "wrong.npz")


def test_an_error_without_a_text_is_named(tmp_path: Path) -> None:
    whole = io.BytesIO()
    np.save(whole, np.zeros(1 << 20, np.uint8))
    with ZipFile(tmp_path / "short.npz", "w") as archive:
        archive.writestr("meta.npy", whole.getvalue()[:200])
        (member,) = archive.infolist()
        member.file_size = member.compress_size = 1 << 20  # more than the file has: an EOFError without a text
    with pytest.raises(RecipeError, match=r"short\.npz: not a network that 'python -m train' wrote: \w"):
        kept.load(tmp_path / "short.npz")


@pytest.mark.parametrize("content", [b"{}", b"\x93NUMPY\x01\x00\x01\x00{"], ids=["text", "open head"])
def test_a_member_that_is_no_array_is_refused(content: bytes, tmp_path: Path) -> None:
    with ZipFile(tmp_path / "wrong.npz", "w") as archive:
        archive.writestr("meta.npy", content)
    with pytest.raises(RecipeError, match=r"wrong\.npz: not a network"):
        kept.load(tmp_path / "wrong.npz")


def test_a_recipe_of_another_version_is_refused_with_the_key(trained: Run, tmp_path: Path) -> None:
    network = kept.load(trained.out / "tiny.npz")
    kept.save(tmp_path / "other.npz", network.recipe.model_copy(update={"name": "No name"}), network.weights)
    with pytest.raises(RecipeError, match=r"other\.npz: not a network that .* wrote: name: must match"):
        kept.load(tmp_path / "other.npz")


def test_weights_of_another_network_are_refused(trained: Run, tmp_path: Path) -> None:
    network = kept.load(trained.out / "tiny.npz")
    wider = Recipe.model_validate(network.recipe.model_dump() | {"network": {"stem": 16}})
    kept.save(tmp_path / "wider.npz", wider, network.weights)
    with pytest.raises(RecipeError, match="do not fit"):
        kept.load(tmp_path / "wider.npz").build()
