"""Whether the file is what a Pi can load and run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convert import int8_runtime
from convert.gates.limits import option
from convert.gates.result import GateResult
from convert.graph import LOGITS
from edge.errors import BundleError
from edge.inference.labels import FACE
from edge.inference.runtime import installed
from edge.text import printable

if TYPE_CHECKING:
    from convert.gates.limits import Limits
    from convert.inspection import NetworkSummary
    from edge.inference.outputs import OutputLabels


def runs_on_a_pi(content: bytes, summary: NetworkSummary, outputs: OutputLabels, limits: Limits) -> list[GateResult]:
    """Run every gate of the file itself."""
    return [
        all_integer(summary),
        as_contracted(content, summary, outputs),
        *small_enough(content, summary, limits),
    ]


def all_integer(summary: NetworkSummary) -> GateResult:
    """No tensor of the network is float: integer kernels run all of it."""
    count = len(summary.float_tensors)
    names = ", ".join(sorted(set(summary.float_operators))) or "no operator"
    return GateResult(
        gate="float tensors",
        measured=str(count),
        limit="0",
        holds=not count,
        sentence=(
            f"{count} tensors are float, at {printable(names, 200)}; first: {printable(summary.float_tensors[0], 200)}"
            if count
            else f"all {len(summary.layers)} operators are integer"
        ),
    )


def as_contracted(content: bytes, summary: NetworkSummary, outputs: OutputLabels) -> GateResult:
    """Input and output are what the bundle's contract says, as the runtime and the file see them."""
    wrong = _breach(content, summary, outputs)
    wanted = "uint8 to int8 " + " and ".join(f"[1, {size}]" for size in _columns(outputs).values())
    return GateResult(
        gate="input and output",
        measured="differs" if wrong else wanted,
        limit=wanted,
        holds=wrong is None,
        sentence=wrong or "one uint8 face with scale 1 in, int8 logits out",
    )


def _breach(content: bytes, summary: NetworkSummary, outputs: OutputLabels) -> str | None:
    shapes = (*summary.input_shapes, *summary.output_shapes)
    if len(summary.input_shapes) != 1 or len(summary.input_shapes[0]) != 4:
        return f"its inputs are {summary.input_shapes}, but one of [1, height, width, 1] is wanted"
    if any(size < 1 for shape in shapes for size in shape):
        return f"a size is left open: {shapes}"
    wanted = _columns(outputs)
    if summary.output_names != tuple(wanted):
        return f"the signature's outputs are {list(summary.output_names)}, but {list(wanted)} is wanted"
    if summary.output_shapes != tuple((1, size) for size in wanted.values()):
        return f"its outputs are {summary.output_shapes}, but these labels are named: {', '.join(outputs.columns)}"
    black = np.zeros((1, *summary.input_shapes[0][1:3]), np.uint8)
    for runtime in installed():
        try:
            int8_runtime.logits(content, runtime, black)
        except BundleError as error:
            return str(error)
    return None


def _columns(outputs: OutputLabels) -> dict[str, int]:
    """Return the number of columns of each output."""
    return {LOGITS: len(outputs.emotions)} | ({FACE: 1} if outputs.has_face else {})


def small_enough(content: bytes, summary: NetworkSummary, limits: Limits) -> list[GateResult]:
    """A Pi can hold it and run it: bytes, multiply-accumulates and memory of the activations."""
    return [
        GateResult(
            gate=name,
            measured=f"{value:,}",
            limit=f"{limit:,}",
            holds=value <= limit,
            sentence=f"{value:,} {what}" + ("" if value <= limit else f", but {limit:,} are allowed"),
            option=option(name_of_limit, value),
        )
        for name, what, value, name_of_limit, limit in (
            ("size", "bytes", len(content), "max_bytes", limits.max_bytes),
            ("multiply-accumulates", "multiply-accumulates a face", summary.macs, "max_macs", limits.max_macs),
            ("arena", "bytes of activations", summary.arena, "max_arena", limits.max_arena),
        )
    ]
