"""Ranges are narrowed where that brings the answers closer, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from convert import float_runtime
from convert.quantize.activations import observe, signal_to_noise
from convert.quantize.int8 import quantize
from convert.quantize.range_search import rounded, tighten
from convert.quantize.ranges import choose_ranges
from tests.convert.small import classifier, of_gray_levels, pictures, spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from convert.graph import Graph
    from convert.quantize.ranges import Range

L = keras.layers
LOUD = 30.0


def silent(_: str, __: int) -> Callable[[int], None]:
    return lambda _: None


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return classifier(L.Conv2D(8, 3, activation="relu", name="seen"), L.Conv2D(8, 3, activation="relu", name="read"))


@pytest.fixture(scope="module")
def unread(model: keras.Model) -> Graph:
    """A network one of whose channels is far larger than the others, and hardly read."""
    loud = keras.models.clone_model(model)
    loud.set_weights(model.get_weights())
    kernel, bias = loud.get_layer("seen").get_weights()
    kernel[..., 0] *= LOUD
    loud.get_layer("seen").set_weights([kernel, bias])
    kernel, bias = loud.get_layer("read").get_weights()
    kernel[:, :, 0] *= 1e-3 / LOUD
    loud.get_layer("read").set_weights([kernel, bias])
    return of_gray_levels(spread(loud, pictures()[..., None].astype(np.float32)))


def decibels(reference: Graph, chosen: dict[str, Range]) -> float:
    return signal_to_noise(reference, quantize(Path("small"), reference, chosen), pictures())["logits"]


def test_a_channel_that_hardly_matters_gives_its_levels_to_the_others(unread: Graph) -> None:
    before = choose_ranges(observe(unread, pictures()), "min-max")
    after = tighten(unread, before, pictures(), silent)
    narrowed = {name for name in before if after[name] != before[name]}
    assert len(narrowed) >= 1
    assert min(after[name][1] / before[name][1] for name in narrowed) < 0.2
    assert decibels(unread, after) > decibels(unread, before) + 10


def test_every_range_stays_within_what_it_was(unread: Graph) -> None:
    before = choose_ranges(observe(unread, pictures()), "mse")
    after = tighten(unread, before, pictures(), silent)
    assert after.keys() == before.keys()
    assert all(before[n][0] <= low <= 0 <= high <= before[n][1] for n, (low, high) in after.items())
    assert [after[name] for name in ("pixels", "logits")] == [before[name] for name in ("pixels", "logits")]


def test_the_same_faces_give_the_same_ranges(unread: Graph) -> None:
    before = choose_ranges(observe(unread, pictures()), "min-max")
    assert tighten(unread, before, pictures(), silent) == tighten(unread, before, pictures(), silent)


def test_one_activation_alone_is_rounded(model: keras.Model) -> None:
    reference = of_gray_levels(spread(model, pictures()[..., None].astype(np.float32)))
    found = choose_ranges(observe(reference, pictures()), "min-max")
    name = next(name for name in found if name not in {"pixels", "logits"} and found[name][1] > 0)
    wanted = float_runtime.logits(reference, pictures())
    fine, coarse = (
        float_runtime.logits(rounded(reference, name, (found[name][0] * n, found[name][1] * n)), pictures())
        for n in (1, 50)
    )
    assert 0 < np.abs(fine - wanted).max() < np.abs(coarse - wanted).max()
