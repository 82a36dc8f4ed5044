"""Entropy coding of many streams at once, one a picture: asymmetric numeral systems, all streams in step.

Duda, "Asymmetric numeral systems", 2013; the interleaving of Giesen, "Interleaved entropy coders", 2014. A symbol is a
byte, its context chooses the table of frequencies. numpy codes a symbol of every stream in one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRECISION = 14
"""Frequencies of a table add up to 2 to this power."""

_TOTAL = 1 << PRECISION
_WORD = 16
"""Bits that a state gives away, or takes, at once."""

_LEAST = np.uint64(1 << _WORD)
"""Smallest state between two symbols."""


@dataclass(frozen=True)
class Tables:
    """Frequencies of the 256 symbols in each context."""

    frequency: NDArray[np.uint64]
    """``(C, 256)``; each row adds up to 2 to the power of `PRECISION`."""

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> Tables:
        """Return tables for ``(C, 256)`` counts; a symbol that occurs has a frequency of at least 1."""
        rows = [_scaled(row) for row in counts]
        return cls(np.array(rows, np.uint64))

    @property
    def start(self) -> NDArray[np.uint64]:
        """``(C, 256)`` sums of the frequencies before each symbol."""
        return np.cumsum(self.frequency, axis=1) - self.frequency

    def symbols(self) -> NDArray[np.uint8]:
        """Return ``(C, 2 ** PRECISION)``: the symbol of each slot."""
        every = np.arange(256, dtype=np.uint8)
        return np.stack([np.repeat(every, row.astype(np.int64)) for row in self.frequency])


def _scaled(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return frequencies in proportion to counts."""
    if not counts.any():
        counts = np.ones_like(counts)
    scaled = np.maximum(counts * _TOTAL // counts.sum(), counts > 0)
    scaled[scaled.argmax()] += _TOTAL - scaled.sum()  # the most frequent one hardly notices
    return np.asarray(scaled, np.int64)


def encode(
    symbols: NDArray[np.uint8], contexts: NDArray[np.uint8], tables: Tables
) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
    """Return the states and the words of ``(T, N)`` symbols of ``N`` streams, which are decoded from the first on."""
    frequency, start = tables.frequency, tables.start
    state = np.full(symbols.shape[1], _LEAST, np.uint64)
    words: list[NDArray[np.uint16]] = []
    for symbol, context in zip(symbols[::-1], contexts[::-1], strict=True):  # a state is a stack
        share = frequency[context, symbol]
        full = state >= share << np.uint64(2 * _WORD - PRECISION)
        words.append((state[full] & np.uint64(0xFFFF)).astype(np.uint16))
        state = np.where(full, state >> np.uint64(_WORD), state)
        state = (state // share << np.uint64(PRECISION)) + state % share + start[context, symbol]
    return state.astype(np.uint32), np.concatenate([np.empty(0, np.uint16), *words[::-1]])


class Decoder:
    """Decodes what `encode` returned, a symbol of every stream at a time."""

    def __init__(self, states: NDArray[np.uint32], words: NDArray[np.uint16], tables: Tables) -> None:
        self._state = states.astype(np.uint64)
        self._words = words
        self._next = 0
        self._frequency, self._start, self._symbols = tables.frequency, tables.start, tables.symbols()

    def step(self, context: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the next symbol of every stream in its context, ``(N,)``."""
        slot = self._state & np.uint64(_TOTAL - 1)
        symbol = self._symbols[context, slot]
        share = self._frequency[context, symbol]
        state = share * (self._state >> np.uint64(PRECISION)) + slot - self._start[context, symbol]
        empty = np.flatnonzero(state < _LEAST)
        taken = self._words[self._next : self._next + len(empty)]
        state[empty] = (state[empty] << np.uint64(_WORD)) | taken
        self._next += len(empty)
        self._state = state
        return np.asarray(symbol, np.uint8)
