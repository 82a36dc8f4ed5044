"""Pictures as bytes, without loss, for faces that are all cut alike: smaller and faster than xz.

Each pixel is predicted from its neighbours above and to the left by weights that are fitted to this place in all
pictures, and the error is coded by frequencies for how uneven the neighbourhood is. All arithmetic of the decoder is on
integers, so any machine decodes the same.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from train.job.rans import Decoder, Tables
from train.job.rans import encode as encode_symbols

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEIGHBOURS = (
    (0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0), (1, 2), (1, -2), (2, 1), (2, -1), (0, 3), (2, -2), (2, 2),
)  # fmt: skip
"""Rows above and columns to the left of the pixel."""

_EDGE = 3
"""Pixels around the picture that neighbours may lie in."""

_MIDDLE = 128
_ONE = 256
"""A weight of 1 as an integer."""

_DAMPED = 10.0
"""Added to the diagonal of the fit, for places where all pictures are alike."""

_CONTEXTS = 48


class _Canvas:
    """Pictures as far as they are known; arrays are ``(H, W, N)`` with edges, so that a place is a row."""

    def __init__(self, count: int, height: int, width: int) -> None:
        shape = (height + _EDGE, width + 2 * _EDGE, count)
        self.levels = np.full(shape, _MIDDLE, np.int16)
        self.errors = np.zeros(shape, np.int16)
        self.width = width

    def start(self, row: int) -> None:
        """Continue to the left of a row what is above it, and to the right of the row above its end."""
        if row:
            self.levels[row + _EDGE, :_EDGE] = self.levels[row + _EDGE - 1, _EDGE]
            self.levels[row + _EDGE - 1, self.width + _EDGE :] = self.levels[row + _EDGE - 1, self.width + _EDGE - 1]

    def neighbours(self, row: int, column: int) -> NDArray[np.int32]:
        """Return ``(K + 1, N)``: the neighbours' levels above the middle, and 1."""
        found = [self.levels[row + _EDGE - up, column + _EDGE - left] for up, left in _NEIGHBOURS]
        return np.stack([*(each.astype(np.int32) - _MIDDLE for each in found), np.ones_like(found[0], np.int32)])

    def unevenness(self, row: int, column: int) -> NDArray[np.int32]:
        """Return ``(N,)``: how far the neighbours lie from each other, and how wrong their predictions were."""
        y, x = row + _EDGE, column + _EDGE
        e, v = self.errors, self.levels
        wrong = 2 * e[y, x - 1] + 2 * e[y - 1, x] + e[y - 1, x - 1] + e[y - 1, x + 1] + e[y, x - 2] + e[y - 2, x]
        above = v[y - 1, x]
        apart = abs(v[y, x - 1] - v[y - 1, x - 1]) + abs(above - v[y - 1, x + 1]) + abs(above - v[y - 1, x - 1])
        return np.asarray(wrong + apart, np.int32)

    def put(self, row: int, column: int, levels: NDArray[np.int16], predicted: NDArray[np.int16]) -> None:
        """Set a pixel of every picture."""
        self.levels[row + _EDGE, column + _EDGE] = levels
        self.errors[row + _EDGE, column + _EDGE] = abs(levels - predicted)


def _predict(weights: NDArray[np.int16], neighbours: NDArray[np.int32]) -> NDArray[np.int16]:
    total = weights.astype(np.int32) @ neighbours
    return np.asarray(((total + _ONE // 2) // _ONE + _MIDDLE).clip(0, 255), np.int16)


def _fit(neighbours: NDArray[np.int32], levels: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the weights that predict levels best in the mean of squares, as integers."""
    known = neighbours.astype(np.float64)
    square = known @ known.T + _DAMPED * np.eye(len(known))
    weights = np.linalg.solve(square, known @ (levels - _MIDDLE))
    return np.asarray(np.rint(weights * _ONE).clip(-(2**15), 2**15 - 1), np.int16)


def _limits(uneven: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return what separates the contexts: as many pixels lie in each, by a sample of the rows."""
    sample = uneven[:: max(len(uneven) // 300, 1)]
    inner = np.linspace(0, 1, _CONTEXTS + 1)[1:-1]
    return np.quantile(sample, inner).astype(np.uint16) if sample.size else np.zeros(len(inner), np.uint16)


def encode(pictures: NDArray[np.uint8]) -> bytes:
    """Return ``(N, H, W)`` pictures as bytes."""
    count, height, width = pictures.shape
    places = np.ascontiguousarray(pictures.transpose(1, 2, 0)).astype(np.int16)
    canvas = _Canvas(count, height, width)
    weights = np.zeros((height, width, len(_NEIGHBOURS) + 1), np.int16)
    errors = np.empty((height * width, count), np.uint8)
    uneven = np.empty((height * width, count), np.uint16)
    for place, (row, column) in enumerate(np.ndindex(height, width)):
        if not column:
            canvas.start(row)
        neighbours = canvas.neighbours(row, column)
        weights[row, column] = _fit(neighbours, places[row, column])
        predicted = _predict(weights[row, column], neighbours)
        uneven[place] = canvas.unevenness(row, column)
        errors[place] = (places[row, column] - predicted).astype(np.uint8)  # modulo 256
        canvas.put(row, column, places[row, column], predicted)
    limits = _limits(uneven)
    contexts = np.searchsorted(limits, uneven).astype(np.uint8)
    pairs = contexts.astype(np.int64) * 256 + errors
    tables = Tables.of(np.bincount(pairs.ravel(), minlength=_CONTEXTS * 256).reshape(_CONTEXTS, 256))
    states, words = encode_symbols(errors, contexts, tables)
    buffer = io.BytesIO()
    np.savez(
        buffer, shape=np.array(pictures.shape), weights=weights, limits=limits,
        frequency=tables.frequency.astype(np.uint16), states=states, words=words,
    )  # fmt: skip
    return buffer.getvalue()


def decode(content: bytes) -> NDArray[np.uint8]:
    """Return the ``(N, H, W)`` pictures that `encode` was given."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        parts = {name: stored[name] for name in stored.files}
    count, height, width = map(int, parts["shape"])
    decoder = Decoder(parts["states"], parts["words"], Tables(parts["frequency"].astype(np.uint64)))
    canvas = _Canvas(count, height, width)
    for row, column in np.ndindex(height, width):
        if not column:
            canvas.start(row)
        predicted = _predict(parts["weights"][row, column], canvas.neighbours(row, column))
        context = np.searchsorted(parts["limits"], canvas.unevenness(row, column)).astype(np.uint8)
        levels = (predicted + decoder.step(context)) & 0xFF
        canvas.put(row, column, levels, predicted)
    found = canvas.levels[_EDGE:, _EDGE : width + _EDGE]
    return np.ascontiguousarray(found.transpose(2, 0, 1)).astype(np.uint8)
