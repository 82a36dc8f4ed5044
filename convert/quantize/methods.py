"""The methods of quantisation, from the plainest on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from convert import float_runtime, int8_runtime
from convert.face_output import split_face
from convert.graph import serialize
from convert.quantize.activations import observe
from convert.quantize.bias_correction import correct_bias
from convert.quantize.equalize import equalize
from convert.quantize.int8 import quantize
from convert.quantize.range_search import tighten
from convert.quantize.ranges import choose_ranges
from edge.inference.runtime import installed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from convert.graph import Graph
    from convert.quantize.ranges import RangeMethod
    from convert.reference import FloatReference
    from train.progress import Stage


@dataclass(frozen=True)
class QuantizationMethod:
    """One method of quantisation."""

    ranges: RangeMethod
    equalized: bool = False
    tightened: bool = False
    """By what it does to the outputs, whose mean error is then subtracted as well."""

    def __str__(self) -> str:
        """Return its name in words."""
        return (
            f"{self.ranges} ranges"
            + (", channels equalised" if self.equalized else "")
            + (", by the error of the logits" if self.tightened else "")
        )


METHODS = (
    QuantizationMethod("min-max"),
    QuantizationMethod("percentile"),
    QuantizationMethod("mse"),
    QuantizationMethod("mse", equalized=True),
    QuantizationMethod("mse", equalized=True, tightened=True),
)
"""In the order in which they are tried."""


@dataclass(frozen=True, eq=False)
class Quantised:
    """A quantised network and how it was made."""

    method: QuantizationMethod
    reference: Graph
    """The float network that was quantised; an equalised one has other activations."""

    network: Graph


def quantize_by_each_method(
    path: Path, reference: FloatReference, representative: NDArray[np.uint8], stage: Stage
) -> Iterator[Quantised]:
    """Yield the network quantised by one method after the other; a method that would change nothing is left out.

    Args:
        path: Where the model came from, for messages.
        reference: The float network.
        representative: ``(M, H, W)`` gray levels that show the activations' ranges.
        stage: Shows the progress.
    """
    network, equalized = reference.network, 0
    seen = observe(network, representative, advance=stage("activations", len(representative)))
    for method in METHODS:
        if method.equalized and not method.tightened:
            network, equalized = equalize(network, seen)
            if not equalized:
                continue  # the same as the method before
            seen = observe(network, representative, advance=stage("equalised activations", len(representative)))
        chosen = choose_ranges(seen, method.ranges)
        if method.tightened:
            chosen = tighten(network, chosen, representative, stage)
        quantised = quantize(path, network, chosen)
        if method.tightened:
            # In the runtime that edge takes unless told otherwise.
            given = int8_runtime.logits(serialize(quantised), next(iter(installed())), representative)
            wanted = float_runtime.logits(network, representative)
            quantised = correct_bias(quantised, (given.columns - wanted).mean(axis=0))
        if reference.outputs.has_face:
            quantised = split_face(quantised)
        yield Quantised(replace(method, equalized=bool(equalized)), network, quantised)
