"""Whether the file is what a Pi can load and run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convert import worker
from convert.gates.gate import Check
from convert.graph import LOGITS
from edge.errors import BundleError
from edge.inference.bundle import FACE
from edge.inference.runtime import installed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convert.gates.gate import Limits
    from convert.inspection import Anatomy


def runs_on_a_pi(content: bytes, anatomy: Anatomy, labels: Sequence[str], limits: Limits) -> list[Check]:
    """Run every gate of the file itself."""
    return [
        all_integer(anatomy),
        as_contracted(content, anatomy, labels),
        *small_enough(content, anatomy, limits),
    ]


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
            else f"all {len(anatomy.layers)} operators are integer"
        ),
    )


def as_contracted(content: bytes, anatomy: Anatomy, labels: Sequence[str]) -> Check:
    """Input and output are what the bundle's contract says, as the runtime and the file see them."""
    wrong = _breach(content, anatomy, labels)
    wanted = "uint8 to int8 " + " and ".join(f"[1, {size}]" for size in _outputs(labels).values())
    return Check(
        name="input and output",
        measured="differs" if wrong else wanted,
        limit=wanted,
        holds=wrong is None,
        sentence=wrong or "one uint8 face with scale 1 in, int8 logits out",
    )


def _breach(content: bytes, anatomy: Anatomy, labels: Sequence[str]) -> str | None:
    shapes = (*anatomy.input_shapes, *anatomy.output_shapes)
    if len(anatomy.input_shapes) != 1 or len(anatomy.input_shapes[0]) != 4:
        return f"its inputs are {anatomy.input_shapes}, but one of [1, height, width, 1] is wanted"
    if any(size < 1 for shape in shapes for size in shape):
        return f"a size is left open: {shapes}"
    wanted = _outputs(labels)
    if anatomy.output_names != tuple(wanted):
        return f"the signature's outputs are {list(anatomy.output_names)}, but {list(wanted)} is wanted"
    if anatomy.output_shapes != tuple((1, size) for size in wanted.values()):
        return f"its outputs are {anatomy.output_shapes}, but these labels are named: {', '.join(labels)}"
    black = np.zeros((1, *anatomy.input_shapes[0][1:3]), np.uint8)
    for runtime in installed():
        try:
            worker.logits(content, runtime, black)
        except BundleError as error:
            return str(error)
    return None


def _outputs(labels: Sequence[str]) -> dict[str, int]:
    """Give the number of columns of each output."""
    return {LOGITS: len(labels) - 1, FACE: 1} if FACE in labels else {LOGITS: len(labels)}


def small_enough(content: bytes, anatomy: Anatomy, limits: Limits) -> list[Check]:
    """A Pi can hold it and run it: bytes, multiply-accumulates and memory of the activations."""
    return [
        Check(
            name=name,
            measured=f"{value:,}",
            limit=f"{limit:,}",
            holds=value <= limit,
            sentence=f"{value:,} {what}" + ("" if value <= limit else f", but {limit:,} are allowed"),
        )
        for name, what, value, limit in (
            ("size", "bytes", len(content), limits.max_bytes),
            ("multiply-accumulates", "multiply-accumulates a face", anatomy.macs, limits.max_macs),
            ("arena", "bytes of activations", anatomy.arena, limits.max_arena),
        )
    ]
