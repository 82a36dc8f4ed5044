"""The gates that a converted model has to pass before it becomes a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from convert import isolated
from edge.errors import BundleError
from edge.runtime import installed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from convert.anatomy import Anatomy
    from edge.runtime import Runtime
    from train.evaluate import Metrics

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Check:
    """What a gate measured and whether it holds."""

    name: str
    measured: str
    limit: str
    """Empty where the figure is only reported."""

    holds: bool
    sentence: str
    """What is wrong and by how much, or what was found; empty where the figure says all."""


def all_integer(anatomy: Anatomy) -> Check:
    """No tensor of the network is float: integer kernels run all of it."""
    count = len(anatomy.float_tensors)
    names = ", ".join(sorted(set(anatomy.float_operators))) or "no operator"
    return Check(
        name="float tensors",
        measured=str(count),
        limit="0",
        holds=not count,
        sentence=(
            f"{count} tensors are float, at {names}; first: {anatomy.float_tensors[0]}"
            if count
            else f"all {sum(anatomy.operators.values())} operators are integer"
        ),
    )


def as_contracted(content: bytes, anatomy: Anatomy, labels: Sequence[str]) -> Check:
    """Input and output are what the bundle's contract says, as the runtime and the file see them."""
    wrong = _breach(content, anatomy, labels)
    return Check(
        name="input and output",
        measured="differs" if wrong else f"uint8 to int8 [1, {len(labels)}]",
        limit=f"uint8 to int8 [1, {len(labels)}]",
        holds=wrong is None,
        sentence=wrong or "one uint8 face with scale 1 in, int8 logits out",
    )


def _breach(content: bytes, anatomy: Anatomy, labels: Sequence[str]) -> str | None:
    shapes = (*anatomy.input_shapes, *anatomy.output_shapes)
    if len(anatomy.input_shapes) != 1 or len(anatomy.input_shapes[0]) != 4:
        return f"its inputs are {anatomy.input_shapes}, but one of [1, height, width, 1] is wanted"
    if any(size < 1 for shape in shapes for size in shape):
        return f"a size is left open: {shapes}"
    if anatomy.output_names != ("logits",):
        return f"the signature's outputs are {list(anatomy.output_names)}, but 'logits' is wanted"
    if anatomy.output_shapes != ((1, len(labels)),):
        return f"its outputs are {anatomy.output_shapes}, but its report names {len(labels)} labels"
    black = np.zeros((1, *anatomy.input_shapes[0][1:3]), np.uint8)
    for runtime in installed():
        try:
            isolated.logits(content, runtime, black)
        except BundleError as error:
            return str(error)
    return None


def accuracy_kept(runtime: Runtime, exact: Metrics, quantised: Metrics, max_drop: float) -> Check:
    """Int8 in one runtime is at most `max_drop` percentage points worse than float on the same faces."""
    drop = 100 * (exact.accuracy - quantised.accuracy)
    figures = f"int8 {quantised.accuracy:.2%} and float {exact.accuracy:.2%} of {exact.n:,} validation faces"
    return Check(
        name=f"drop in {runtime}",
        measured=f"{drop:+.2f} points",
        limit=f"{max_drop:.2f} points",
        holds=drop <= max_drop + _ROUNDING,
        sentence=(
            f"{figures} in {runtime}: {drop:.2f} points lost"
            if drop <= max_drop + _ROUNDING
            else f"{figures} in {runtime}: {drop:.2f} points lost, {drop - max_drop:.2f} more than allowed"
        ),
    )


def agreements(logits: Mapping[Runtime, NDArray[np.float32]], exact: NDArray[np.float32]) -> dict[str, float]:
    """Give the part of faces with the same top class in the first runtime and in each other one, and in float."""
    first, *others = ((name, rows.argmax(axis=1)) for name, rows in logits.items())
    pairs = [*others, ("float", exact.argmax(axis=1))]
    return {f"{first[0]} = {name}": float((first[1] == answers).mean()) for name, answers in pairs}


def reported(content: bytes, anatomy: Anatomy, agreeing: Mapping[str, float]) -> list[Check]:
    """Tell agreement and size; no limit is set on them."""
    figures = {f"{pair}, top class": f"{part:.2%}" for pair, part in agreeing.items()}
    figures |= {
        "size": f"{len(content):,} bytes",
        "multiply-accumulates": f"{anatomy.macs:,}",
        "parameters": f"{anatomy.parameters:,}",
    }
    return [Check(name, figure, "", holds=True, sentence="") for name, figure in figures.items()]
