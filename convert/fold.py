"""Fold into the network what would have to happen around it: pixels go in, logits come out.

In front, the pixels' scaling, mean and deviation, and the step from gray to colour; behind,
the softmax and the order of the labels. What can be said by other weights costs nothing
when the network runs, and nothing is left for the Pi to get wrong.
"""

from __future__ import annotations

import re
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from convert.graph import Graph, Op, Padding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from convert.spec import Scaling

PADDED = "padded"
"""Name of the tensor that is the picture with a border, where the network gets one; no other has it."""

_WHITE = 255.0
_RESHAPES = frozenset({Op.RESHAPE, Op.SQUEEZE, Op.EXPAND_DIMS})
_OPERATION = re.compile(
    r"(?:batchnorm|add|sub|mul|truediv|div|Relu6?|BiasAdd|MatMul|convolution|Conv2D|depthwise|Add|AddV2|Mul|Mean"
    r"|Sigmoid|Reshape|Softmax|Pad|PadV2|MaxPool(?:2d)?|AvgPool)(?:_?\d+)?"
)
"""What TensorFlow adds to a layer's name."""

_TINY = 1e-7
"""Least probability whose logarithm is taken."""


def fold(content: bytes, scaling: Scaling, order: Sequence[int], *, probabilities: bool) -> bytes:
    """Turn a network of normalised pixels into one of gray levels and logits.

    Args:
        content: A float ``.tflite`` file: ``[1, H, W, C]`` normalised pixels to ``[1, K]``.
        scaling: How gray levels become what the network was trained on.
        order: For each label of the bundle, the number of the network's output that tells it.
        probabilities: Whether the network gives probabilities rather than logits.

    Returns:
        A float ``.tflite`` file: ``[1, H, W, 1]`` gray levels 0 to 255 to ``[1, K]`` logits.
    """
    graph = Graph(content)
    _take_gray(graph, scaling)
    _give_logits(graph, probabilities=probabilities)
    _flatten(graph, len(order))
    _reorder(graph, order)
    _name(graph)
    return graph.to_bytes()


def _take_gray(graph: Graph, scaling: Scaling) -> None:
    slope, offset = _absorb(graph, *scaling.affine())
    (seen,) = graph.inputs
    _, height, width, channels = graph.shape(seen)
    slope, offset = (np.broadcast_to(part, channels) for part in (slope, offset))
    pixels = graph.add_tensor("pixels", (1, height, width, 1))
    if not _into_convolution(graph, seen, pixels, slope, offset):
        _before(graph, seen, pixels, slope, offset)
    graph.set_io(pixels, graph.outputs[0])


def _absorb(
    graph: Graph, slope: NDArray[np.float64], offset: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take the normalisation that the network itself starts with out of it, and give it as slope and offset."""
    while True:
        (seen,) = graph.inputs
        operator = graph.sole_consumer(seen)
        changed = None if operator is None else _affine(graph, operator, seen, slope, offset)
        if changed is None:
            return slope, offset
        slope, offset = changed
        graph.remove(operator)
        graph.set_io(graph.written(operator)[0], graph.outputs[0])


def _affine(
    graph: Graph, operator: Any, seen: int, slope: NDArray[np.float64], offset: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Give slope and offset after an operator; None if it is no arithmetic with one constant a channel."""
    code = graph.code(operator)
    if code not in {Op.MUL, Op.DIV, Op.ADD, Op.SUB} or operator.builtinOptions.fusedActivationFunction:
        return None
    first, second = graph.read(operator)
    constant = graph.constant(second if first == seen else first)
    if constant is None or constant.size != (constant.shape[-1] if constant.ndim else 1):
        return None
    by = constant.reshape(-1).astype(np.float64)
    wide = np.ones(max(len(by), len(slope)))
    if graph.shape(graph.written(operator)[0])[-1] != len(wide) or (code == Op.DIV and first != seen):
        return None
    if code in {Op.MUL, Op.DIV}:
        factor = by if code == Op.MUL else 1 / by
        return slope * factor, offset * factor
    if code == Op.SUB and first != seen:  # a constant minus the pixels
        return -slope * wide, by - offset
    return slope * wide, offset + (by if code == Op.ADD else -by)


def _into_convolution(
    graph: Graph, seen: int, pixels: int, slope: NDArray[np.float64], offset: NDArray[np.float64]
) -> bool:
    """Let the first convolution read gray levels instead of ``slope * gray + offset``, by other weights.

    Around the picture a convolution sees zeros: there the normalised pixels are 0, not
    `offset`. Where all channels are 0 at one gray level, the picture is padded with that
    level. Where they are not (ImageNet's means), the convolution gets a second channel,
    white within the picture and black around it, which carries the offsets: reference, and still
    one channel less than colour.

    Returns:
        Whether the picture is read by a convolution at all; if not, nothing was changed.
    """
    pad = graph.sole_consumer(seen)
    if pad is None or graph.code(pad) != Op.PAD or not _pads_picture(graph, pad):
        pad = None
    convolution = graph.sole_consumer(graph.written(pad)[0] if pad else seen)
    if convolution is None or graph.code(convolution) != Op.CONV_2D:
        return False
    kernel = graph.constant(graph.read(convolution)[1])
    if kernel is None or kernel.shape[-1] != len(slope):
        return False

    gray, constant = kernel @ slope, kernel @ offset  # (out, kernel height, kernel width)
    amounts = _padding(graph, convolution, pad)
    zero = float(-offset[0] / slope[0])
    one_zero = np.allclose(slope * zero + offset, 0, atol=1e-6)
    if not amounts.any() or (one_zero and 0 <= zero <= _WHITE):
        kernel = gray[..., None]
        if amounts.any() and zero:
            pixels = _padded(graph, pixels, amounts, zero, at=graph.operators.index(convolution))
            convolution.builtinOptions.padding = Padding.VALID
            if pad:
                graph.remove(pad)
                pad = None
        _add_bias(graph, convolution, constant.sum(axis=(1, 2)))
    else:
        kernel = np.stack([gray, constant / _WHITE], axis=-1)
        beside = np.array([[0, 0], [0, 0], [0, 0], [0, 1]], np.int32)
        pixels = _padded(graph, pixels, beside, _WHITE, at=0)
    graph.give(convolution, 1, kernel.astype(np.float32))
    if pad:
        pad.inputs[0] = pixels
        _, height, width, _ = graph.shape(graph.written(pad)[0])
        graph.tensors[graph.written(pad)[0]].shape = np.array([1, height, width, kernel.shape[-1]], np.int32)
    else:
        convolution.inputs[0] = pixels
    return True


def _pads_picture(graph: Graph, pad: Any) -> bool:
    """Tell whether an operator pads height and width by known amounts, and nothing else."""
    amounts = graph.constant(graph.read(pad)[1])
    return amounts is not None and amounts.shape == (4, 2) and not amounts[[0, 3]].any()


def _padding(graph: Graph, convolution: Any, pad: Any | None) -> NDArray[np.int32]:
    """Give ``(4, 2)`` rows and columns of zeros that a convolution sees around the picture."""
    amounts = np.zeros((4, 2), np.int32)
    options, (_, *kernel, _) = convolution.builtinOptions, graph.shape(graph.read(convolution)[1])
    if options.padding == Padding.SAME:
        taken = graph.shape(graph.read(convolution)[0])[1:3]
        given = graph.shape(graph.written(convolution)[0])[1:3]
        steps = zip((options.strideH, options.strideW), (options.dilationHFactor, options.dilationWFactor), strict=True)
        for axis, (stride, dilation) in enumerate(steps):
            reach = (given[axis] - 1) * stride + (kernel[axis] - 1) * dilation + 1
            total = max(0, reach - taken[axis])
            amounts[axis + 1] = total // 2, total - total // 2
    explicit = graph.constant(graph.read(pad)[1]) if pad else None
    return amounts if explicit is None else amounts + explicit.astype(np.int32)


def _padded(graph: Graph, pixels: int, amounts: NDArray[np.int32], level: float, *, at: int) -> int:
    shape = np.array(graph.shape(pixels)) + amounts.sum(axis=1)
    result = graph.add_tensor(PADDED, shape.tolist())
    inputs = (
        pixels,
        graph.add_constant("padded_by", amounts),
        graph.add_constant("padded_with", np.array(level, np.float32)),
    )
    graph.add_operator(Op.PADV2, inputs, result, schema.PadV2OptionsT(), at=at)
    return result


def _add_bias(graph: Graph, operator: Any, more: NDArray[np.float64]) -> None:
    read = graph.read(operator)
    bias = graph.constant(read[2]) if len(read) > 2 else None
    whole = graph.add_constant("bias", (more if bias is None else bias + more).astype(np.float32))
    operator.inputs = np.array([*read[:2], whole], np.int32)


def _before(graph: Graph, seen: int, pixels: int, slope: NDArray[np.float64], offset: NDArray[np.float64]) -> None:
    """Compute ``slope * gray + offset`` by a 1x1 convolution, where the network starts with something else."""
    weights = graph.add_constant("scale", slope.reshape(-1, 1, 1, 1).astype(np.float32))
    bias = graph.add_constant("offset", offset.astype(np.float32))
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = Padding.VALID, 1, 1
    graph.add_operator(Op.CONV_2D, (pixels, weights, bias), seen, options, at=0)


def _give_logits(graph: Graph, *, probabilities: bool) -> None:
    """Take a softmax at the end off; where probabilities come from elsewhere, take their logarithm."""
    (answer,) = graph.outputs
    last = graph.producer(_before_reshapes(graph, answer))
    if last is not None and (
        (graph.code(last) == Op.SOFTMAX and last.builtinOptions.beta == 1) or graph.code(last) == Op.LOG_SOFTMAX
    ):
        graph.replace(graph.written(last)[0], graph.read(last)[0])
        graph.remove(last)
    elif probabilities:
        shape = graph.shape(answer)
        above, logits = graph.add_tensor("above_zero", shape), graph.add_tensor("logarithm", shape)
        least = graph.add_constant("least", np.array(_TINY, np.float32))
        end = len(graph.operators)
        graph.add_operator(Op.MAXIMUM, (answer, least), above, schema.MaximumMinimumOptionsT(), at=end)
        graph.add_operator(Op.LOG, (above,), logits, at=end + 1)
        graph.set_io(graph.inputs[0], logits)


def _before_reshapes(graph: Graph, tensor: int) -> int:
    """Give the tensor whose values, in their order, another one holds."""
    producer = graph.producer(tensor)
    while producer is not None and graph.code(producer) in _RESHAPES:
        tensor = graph.read(producer)[0]
        producer = graph.producer(tensor)
    return tensor


def _reorder(graph: Graph, order: Sequence[int]) -> None:
    """Put the outputs into another order: by the last layer's rows, or where they cannot be moved, by a gather."""
    if list(order) == list(range(len(order))):
        return
    (answer,) = graph.outputs
    source = _before_reshapes(graph, answer)
    last = graph.producer(source)
    alone = all(len(graph.consumers(t)) <= 1 for t in (source, answer))
    if last is not None and alone and graph.code(last) in {Op.FULLY_CONNECTED, Op.CONV_2D}:
        parts = [graph.constant(i) for i in graph.read(last)[1:]]
        if all(part is not None and len(part) == len(order) for part in parts):
            for place, part in enumerate(parts, 1):
                graph.give(last, place, part[list(order)])  # type: ignore[index]  # none is None
            return
    result = graph.add_tensor("ordered", graph.shape(answer))
    options = schema.GatherOptionsT()
    options.axis = 1
    inputs = (answer, graph.add_constant("order", np.array(order, np.int32)))
    graph.add_operator(Op.GATHER, inputs, result, options, at=len(graph.operators))
    graph.set_io(graph.inputs[0], result)


def _flatten(graph: Graph, labels: int) -> None:
    (answer,) = graph.outputs
    if graph.shape(answer) == (1, labels):
        return
    result = graph.add_tensor("row", (1, labels))
    shape = graph.add_constant("row_shape", np.array([1, labels], np.int32))
    options = schema.ReshapeOptionsT()
    options.newShape = [1, labels]
    graph.add_operator(Op.RESHAPE, (answer, shape), result, options, at=len(graph.operators))
    graph.set_io(graph.inputs[0], result)


def _name(graph: Graph) -> None:
    """Give every tensor a short name of its own; rows of reports, and the quantiser's ranges, are found by it."""
    taken: set[str] = {"pixels", PADDED, "logits"}
    computed = [i for operator in graph.operators for i in graph.written(operator)]
    for index in dict.fromkeys((*computed, *range(len(graph.tensors)))):  # constants get what names are left
        short = _short(graph.name(index))
        name = next(n for n in chain([short], (f"{short}.{i}" for i in count(2))) if n not in taken)
        taken.add(name)
        graph.tensors[index].name = name.encode()
    for operator in graph.consumers(graph.inputs[0]):
        if graph.code(operator) == Op.PADV2:
            graph.tensors[graph.written(operator)[0]].name = PADDED.encode()
    graph.tensors[graph.inputs[0]].name = b"pixels"
    graph.tensors[graph.outputs[0]].name = b"logits"
    graph.set_io(graph.inputs[0], graph.outputs[0])


def _short(name: str) -> str:
    """Give the layer's name out of a path like ``resnet_1/stem_1/convolution;resnet_1/stem_relu_1/Relu``."""
    parts = [part for part in name.partition(";")[0].split("/") if part]
    layers = [part for part in parts if not _OPERATION.fullmatch(part)]
    return re.sub(r"_1$", "", (layers or parts or ["tensor"])[-1])
