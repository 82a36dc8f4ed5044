"""Gray levels instead of normalised pixels, by other weights of the first convolution.

Around the picture a convolution sees zeros: there the normalised pixels are 0, not the scaling's offset. Where all
channels are 0 at one gray level, the picture is padded with that level. Where they are not (ImageNet's means), the
convolution gets a second channel, white within the picture and black around it, which carries the offsets: that is
exact, and still one channel less than colour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from convert.channels import add_bias
from convert.graph import Op, Padding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from convert.graph import Graph, Operator, Tensor

PADDED = "padded"
"""Name of the tensor that is the picture with a border, if the network gets one; no other has it."""

_WHITE = 255.0
_ONE_MORE_CHANNEL = np.array([[0, 0], [0, 0], [0, 0], [0, 1]], np.int32)


def let_read_gray(graph: Graph, pixels: Tensor, slope: NDArray[np.float64], offset: NDArray[np.float64]) -> bool:
    """Let the first convolution read `pixels`, gray levels, instead of ``slope * gray + offset``.

    Returns:
        Whether the picture is read by a convolution at all; if not, nothing was changed.
    """
    (seen,) = graph.inputs
    pad = graph.sole_consumer(seen)
    if pad is None or pad.code != Op.PAD or not _pads_picture(pad):
        pad = None
    convolution = graph.sole_consumer(pad.output if pad else seen)
    if convolution is None or convolution.code != Op.CONV_2D:
        return False
    kernel = convolution.read[1].values
    if kernel is None or kernel.shape[-1] != len(slope):
        return False

    gray, constant = kernel @ slope, kernel @ offset  # (out, kernel height, kernel width)
    amounts = _padding(convolution, pad)
    zero = float(-offset[0] / slope[0])
    one_zero = np.allclose(slope * zero + offset, 0, atol=1e-6)
    if not amounts.any() or (one_zero and 0 <= zero <= _WHITE):
        kernel = gray[..., None]
        if amounts.any() and zero:
            pixels = _padded(graph, pixels, amounts, zero, at=graph.operators.index(convolution))
            convolution.options.padding = Padding.VALID
            if pad:
                graph.remove(pad)
                pad = None
        add_bias(graph, convolution, constant.sum(axis=(1, 2)))
    else:
        kernel = np.stack([gray, constant / _WHITE], axis=-1)
        pixels = _padded(graph, pixels, _ONE_MORE_CHANNEL, _WHITE, at=0)
    graph.set_input(convolution, 1, kernel.astype(np.float32))
    (pad or convolution).inputs[0] = pixels
    if pad:
        pad.output.shape = (*pad.output.shape[:3], kernel.shape[-1])
    return True


def _pads_picture(pad: Operator) -> bool:
    """Return whether an operator pads height and width by known amounts, and nothing else."""
    amounts = pad.read[1].values
    return amounts is not None and amounts.shape == (4, 2) and not amounts[[0, 3]].any()


def _padding(convolution: Operator, pad: Operator | None) -> NDArray[np.int32]:
    """Return the ``(4, 2)`` rows and columns of zeros that a convolution sees around the picture."""
    amounts = np.zeros((4, 2), np.int32)
    options, (_, *kernel, _) = convolution.options, convolution.read[1].shape
    if options.padding == Padding.SAME:
        taken, given = convolution.read[0].shape[1:3], convolution.output.shape[1:3]
        steps = zip((options.strideH, options.strideW), (options.dilationHFactor, options.dilationWFactor), strict=True)
        for axis, (stride, dilation) in enumerate(steps):
            reach = (given[axis] - 1) * stride + (kernel[axis] - 1) * dilation + 1
            total = max(0, reach - taken[axis])
            amounts[axis + 1] = total // 2, total - total // 2
    explicit = pad.read[1].values if pad else None
    return amounts if explicit is None else amounts + explicit.astype(np.int32)


def _padded(graph: Graph, pixels: Tensor, amounts: NDArray[np.int32], level: float, *, at: int) -> Tensor:
    shape = np.array(pixels.shape) + amounts.sum(axis=1)
    result = graph.add_tensor(PADDED, shape.tolist())
    inputs = (
        pixels,
        graph.add_constant("padded_by", amounts),
        graph.add_constant("padded_with", np.array(level, np.float32)),
    )
    graph.add_operator(Op.PADV2, inputs, result, schema.PadV2OptionsT(), at=at)
    return result
