"""Choose the range of values that int8 represents, for each activation, from what it held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from convert.fold import PADDED
from convert.graph import LOGITS, Op
from convert.inspection import WEIGHTED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from convert.quantize.activations import Activation

RangeMethod = Literal["min-max", "percentile", "mse"]
"""How the range of an activation is chosen from what it held.

* ``min-max``: all of it.
* ``percentile``: without the outermost values, `_OUTERMOST` of them on each side.
* ``mse``: the range with the least mean squared error of a sample, clipping included
  (Banner et al., "Post training 4-bit quantization of convolutional networks for
  rapid-deployment", NeurIPS 2019, by search instead of by formula).
"""

Range = tuple[float, float]

_OUTERMOST = 1e-4

LEVELS = 255
"""Steps of an int8 range from its low to its high end."""

FREE = WEIGHTED | {Op.ADD, Op.SUB, Op.MUL, Op.MEAN, Op.PRELU, Op.LEAKY_RELU, Op.HARD_SWISH}
"""Operators whose output has a range of its own; others keep their input's, or have a fixed one."""

_PARTS = np.linspace(1.0, 0.05, 39).tolist()
"""The parts of the full range that ``mse`` tries, on each side."""

_FIXED = dict.fromkeys(("pixels", PADDED), (0.0, 255.0))
"""The range of pixels is that of their type, so that their scale is 1; also with a border around them."""


def choose_ranges(seen: Mapping[str, Activation], method: RangeMethod) -> dict[str, Range]:
    """Return the range of every activation; all contain 0, which must have an exact form."""
    choose: dict[RangeMethod, Callable[[Activation], Range]] = {
        "min-max": lambda activation: (activation.low, activation.high),
        "percentile": _percentile,
        "mse": _least_error,
    }
    chosen = {name: choose[method](activation) for name, activation in seen.items()}
    # Answers are compared: clipping the largest one would change which is the largest.
    chosen |= {LOGITS: (seen[LOGITS].low, seen[LOGITS].high)} | _FIXED
    return {name: (min(low, 0.0), max(high, 0.0)) for name, (low, high) in chosen.items()}


def _percentile(activation: Activation) -> Range:
    low, high = np.quantile(activation.sample, (_OUTERMOST, 1 - _OUTERMOST))
    return float(low), float(high)


def _least_error(activation: Activation) -> Range:
    """Search the low end and the high end in turn: what is cut off on the one side need not be on the other."""
    low, high = min(activation.low, 0.0), max(activation.high, 0.0)
    chosen = low, high
    for _ in range(2):
        chosen = min(((low * part, chosen[1]) for part in _PARTS), key=lambda tried: _error(activation.sample, tried))
        chosen = min(((chosen[0], high * part) for part in _PARTS), key=lambda tried: _error(activation.sample, tried))
    return chosen


def _error(sample: NDArray[np.float32], tried: Range) -> float:
    """Return the mean squared error of values in int8, 0 being exact."""
    low, high = tried
    step = max(high - low, 1e-12) / LEVELS
    zero_point = np.round(-low / step)
    rounded = (np.clip(np.round(sample / step) + zero_point, 0, LEVELS) - zero_point) * step
    return float(np.square(rounded - sample).mean())
