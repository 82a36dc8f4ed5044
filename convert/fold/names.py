"""A short name of its own for every tensor: reports and the quantiser's ranges find tensors by name."""

from __future__ import annotations

import re
from itertools import chain, count
from typing import TYPE_CHECKING

from convert.fold.first_convolution import PADDED
from convert.graph import LOGITS, Op

if TYPE_CHECKING:
    from convert.graph import Graph

_PIXELS = "pixels"
_OPERATION = re.compile(
    r"(?:batchnorm|add|sub|mul|truediv|div|Relu6?|BiasAdd|MatMul|convolution|Conv2D|depthwise|Add|AddV2|Mul|Mean"
    r"|Sigmoid|Reshape|Softmax|Pad|PadV2|MaxPool(?:2d)?|AvgPool)(?:_?\d+)?"
)
"""What TensorFlow adds to a layer's name."""


def shorten_names(graph: Graph) -> None:
    """Name every tensor after its layer; the input ``pixels``, the output ``logits`` and a padded picture `PADDED`."""
    taken = {_PIXELS, PADDED, LOGITS}
    computed = [tensor for operator in graph.operators for tensor in operator.outputs]
    for tensor in dict.fromkeys((*computed, *graph.tensors)):  # constants get what names are left
        short = _short(tensor.name)
        tensor.name = next(n for n in chain([short], (f"{short}.{i}" for i in count(2))) if n not in taken)
        taken.add(tensor.name)
    (pixels,), (logits,) = graph.inputs, graph.outputs
    for operator in graph.consumers(pixels):
        if operator.code == Op.PADV2:
            operator.output.name = PADDED
    pixels.name, logits.name = _PIXELS, LOGITS
    graph.set_io(pixels, logits)


def _short(name: str) -> str:
    """Return the layer's name out of a path like ``resnet_1/stem_1/convolution;resnet_1/stem_relu_1/Relu``."""
    parts = [part for part in name.partition(";")[0].split("/") if part]
    layers = [part for part in parts if not _OPERATION.fullmatch(part)]
    return re.sub(r"_1$", "", (layers or parts or ["tensor"])[-1])
