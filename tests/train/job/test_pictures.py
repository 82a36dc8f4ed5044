from __future__ import annotations

import lzma
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.train import synthetic
from train.job.pictures import decode, encode
from train.job.rans import Decoder, Tables
from train.job.rans import encode as encode_symbols

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pictures(count: int) -> NDArray[np.uint8]:
    random = np.random.default_rng(3)
    return np.stack([synthetic.grating(i % 8, random) for i in range(count)])


@pytest.mark.parametrize(
    "shown",
    [
        pictures(40),
        np.random.default_rng(1).integers(0, 256, (7, 12, 16)).astype(np.uint8),
        np.zeros((3, 16, 12), np.uint8),
        np.full((1, 9, 5), 255, np.uint8),
        np.where(np.indices((12, 12)).sum(axis=0) % 2, 255, 0).astype(np.uint8)[None],
        np.empty((0, 48, 48), np.uint8),
    ],
    ids=["gratings", "noise", "black", "one white", "chequered", "none"],
)
def test_pictures_come_back_as_they_were(shown: NDArray[np.uint8]) -> None:
    found = decode(encode(shown))
    assert found.dtype == np.uint8
    assert np.array_equal(found, shown)


def test_many_pictures_that_are_alike_take_less_than_in_xz() -> None:
    shown = pictures(400)
    assert len(lzma.compress(encode(shown))) < 0.95 * len(lzma.compress(shown.tobytes()))


def test_streams_take_as_much_as_their_entropy() -> None:
    random = np.random.default_rng(5)
    contexts = random.integers(0, 2, (500, 64)).astype(np.uint8)
    symbols = np.where(contexts, random.binomial(9, 0.2, contexts.shape), 255).astype(np.uint8)
    counts = np.stack([np.bincount(symbols[contexts == c], minlength=256) for c in (0, 1)])
    tables = Tables.of(counts)
    states, words = encode_symbols(symbols, contexts, tables)
    share = counts[1] / counts[1].sum()
    bits = -(counts[1] * np.log2(np.maximum(share, 1e-9))).sum()
    assert 16 * len(words) < 1.01 * bits + 64 * 16
    decoder = Decoder(states, words, tables)
    assert all(np.array_equal(decoder.step(c), s) for c, s in zip(contexts, symbols, strict=True))
