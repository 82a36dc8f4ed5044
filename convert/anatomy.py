"""What is in a ``.tflite`` file, read from the file itself and not from what wrote it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tflite

from edge.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLOATS = {
    tflite.TensorType.FLOAT16: "float16",
    tflite.TensorType.FLOAT32: "float32",
    tflite.TensorType.FLOAT64: "float64",
    tflite.TensorType.BFLOAT16: "bfloat16",
}

_CONVOLUTIONS = (tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.DEPTHWISE_CONV_2D)
_MATRICES = (*_CONVOLUTIONS, tflite.BuiltinOperator.FULLY_CONNECTED)
"""Operators whose second input is weights and whose third, if any, is biases."""


@dataclass(frozen=True)
class Anatomy:
    """The parts of a network."""

    operators: dict[str, int]
    """How often each operator occurs, by TFLite's name, sorted."""

    float_operators: tuple[str, ...]
    """Operators that read or write a float tensor; none in an integer network."""

    float_tensors: tuple[str, ...]
    """Names of float tensors with their types."""

    macs: int
    """Multiply-accumulates of convolutions and dense layers."""

    parameters: int
    """Their weights and biases."""

    input_shapes: tuple[tuple[int, ...], ...]
    """Declared shapes; -1 where the file leaves a size open."""

    output_shapes: tuple[tuple[int, ...], ...]

    output_names: tuple[str, ...]
    """The signature's names, in the order of the outputs; empty without one."""

    min_runtime: str
    """The oldest TFLite that runs it, as the converter wrote it down; may be empty."""


def dissect(content: bytes) -> Anatomy:
    """Read a ``.tflite`` file's bytes.

    Raises:
        BundleError: It is not a TFLite file with one subgraph.
    """
    if content[4:8] != b"TFL3":
        message = "not a TFLite file"
        raise BundleError(message)
    model = tflite.Model.GetRootAs(content, 0)
    if model.SubgraphsLength() != 1:
        message = f"it has {model.SubgraphsLength()} subgraphs, but one is wanted"
        raise BundleError(message)
    graph = model.Subgraphs(0)
    operators = [(_code(model, operator), operator) for operator in _each(graph.Operators, graph.OperatorsLength())]
    tensors = list(_each(graph.Tensors, graph.TensorsLength()))
    outputs = [int(i) for i in graph.OutputsAsNumpy()]
    return Anatomy(
        operators=dict(sorted(Counter(tflite.opcode2name(code) for code, _ in operators).items())),
        float_operators=tuple(tflite.opcode2name(code) for code, operator in operators if _is_float(operator, tensors)),
        float_tensors=tuple(f"{t.Name().decode()} ({_FLOATS[t.Type()]})" for t in tensors if t.Type() in _FLOATS),
        macs=sum(_macs(code, operator, tensors) for code, operator in operators),
        parameters=sum(
            math.prod(_shape(tensors[i]))
            for code, operator in operators
            if code in _MATRICES
            for i in _inputs(operator)[1:3]
        ),
        input_shapes=tuple(_declared(tensors[int(i)]) for i in graph.InputsAsNumpy()),
        output_shapes=tuple(_declared(tensors[i]) for i in outputs),
        output_names=_output_names(model, outputs),
        min_runtime=_min_runtime(model),
    )


def _each(item: Any, length: int) -> Iterator[Any]:
    return (item(i) for i in range(length))


def _code(model: Any, operator: Any) -> int:
    entry = model.OperatorCodes(operator.OpcodeIndex())
    # Codes up to 127 may be in the old field alone, those beyond in the new one.
    return max(int(entry.BuiltinCode()), int(entry.DeprecatedBuiltinCode()))


def _inputs(operator: Any) -> list[int]:
    return [int(i) for i in operator.InputsAsNumpy() if i >= 0]


def _is_float(operator: Any, tensors: list[Any]) -> bool:
    touched = [*_inputs(operator), *(int(i) for i in operator.OutputsAsNumpy())]
    return any(tensors[i].Type() in _FLOATS for i in touched)


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(int(tensor.Shape(i)) for i in range(tensor.ShapeLength()))


def _declared(tensor: Any) -> tuple[int, ...]:
    length = tensor.ShapeSignatureLength()
    return tuple(int(tensor.ShapeSignature(i)) for i in range(length)) if length else _shape(tensor)


def _macs(code: int, operator: Any, tensors: list[Any]) -> int:
    if code not in _MATRICES:
        return 0
    weights = _shape(tensors[_inputs(operator)[1]])
    output = _shape(tensors[int(operator.Outputs(0))])
    if code in _CONVOLUTIONS:  # (out or 1, kernel height, kernel width, in or channels) at each place of the output
        return math.prod(output[:3]) * math.prod(weights)
    return math.prod(output[:-1]) * math.prod(weights)


def _output_names(model: Any, outputs: list[int]) -> tuple[str, ...]:
    if not model.SignatureDefsLength():
        return ()
    signature = model.SignatureDefs(0)
    entries = _each(signature.Outputs, signature.OutputsLength())
    names = {int(entry.TensorIndex()): entry.Name().decode() for entry in entries}
    return tuple(names.get(i, "") for i in outputs)


def _min_runtime(model: Any) -> str:
    for entry in _each(model.Metadata, model.MetadataLength()):
        if entry.Name() == b"min_runtime_version":
            return bytes(model.Buffers(entry.Buffer()).DataAsNumpy()).rstrip(b"\0").decode()
    return ""
