"""A network as TFLite's flatbuffer describes it: read, looked at, edited and written back.

The float model that every source becomes is such a file, and so is the quantised one:
what is said about a network is read from what will run, not from what made it.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.errors import BundleError
from edge.inference.bundle import FACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

Op = schema.BuiltinOperator
"""Operator codes, as in ``Op.CONV_2D``."""

Padding, Activation = schema.Padding, schema.ActivationFunctionType

LOGITS = "logits"
"""The name of the output that tells the emotions."""

_IDENTIFIER = b"TFL3"
_NAMES = {code: name for name, code in vars(Op).items() if isinstance(code, int)}
_TYPES: dict[int, str] = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
_FLOATS = frozenset(
    getattr(schema.TensorType, name)
    for name in ("FLOAT16", "FLOAT32", "FLOAT64", "BFLOAT16")
    if hasattr(schema.TensorType, name)
)


class Graph:
    """One network, with its operators in the order in which they run.

    Tensors are named by their index. Operators are the schema's own objects
    (``inputs``, ``outputs``, ``builtinOptions``).
    """

    def __init__(self, content: bytes) -> None:
        """Read a ``.tflite`` file's bytes.

        Raises:
            BundleError: It is not a TFLite file with one subgraph.
        """
        if content[4:8] != _IDENTIFIER:
            message = "not a TFLite file"
            raise BundleError(message)
        self.model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
        if len(self.model.subgraphs) != 1:
            message = f"it has {len(self.model.subgraphs)} subgraphs, but one is wanted"
            raise BundleError(message)
        graph = self.model.subgraphs[0]
        graph.operators = list(graph.operators) if graph.operators is not None else []
        self.tensors: list[Any] = graph.tensors
        self.operators: list[Any] = graph.operators

    def to_bytes(self) -> bytes:
        """Write the file, without the tensors, constants and codes that no operator uses any more."""
        self._prune()
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), _IDENTIFIER)
        return bytes(builder.Output())

    @property
    def inputs(self) -> list[int]:
        """The tensors that are fed."""
        return [int(i) for i in self.model.subgraphs[0].inputs]

    @property
    def outputs(self) -> list[int]:
        """The tensors that are read."""
        return [int(i) for i in self.model.subgraphs[0].outputs]

    def set_io(self, pixels: int, logits: int, face: int | None = None) -> None:
        """Name the one tensor that is fed and the one or two that are read, in the graph and in its signature."""
        graph, outputs = self.model.subgraphs[0], {LOGITS: logits} | ({} if face is None else {FACE: face})
        graph.inputs, graph.outputs = np.array([pixels], np.int32), np.array([*outputs.values()], np.int32)
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        signature.inputs = [_entry("pixels", pixels)]
        signature.outputs = [_entry(name, tensor) for name, tensor in outputs.items()]
        self.model.signatureDefs = [signature]

    def code(self, operator: Any) -> int:
        """Give an operator's code."""
        return _builtin(self.model.operatorCodes[operator.opcodeIndex])

    def kind(self, operator: Any) -> str:
        """Give an operator's name, as in ``CONV_2D``; a custom one's own name."""
        code = self.code(operator)
        if code == Op.CUSTOM:
            return _text(self.model.operatorCodes[operator.opcodeIndex].customCode) or "CUSTOM"
        return str(_NAMES.get(code, f"operator {code}"))

    def read(self, operator: Any) -> list[int]:
        """Give the tensors that an operator reads; optional ones that are absent are left out."""
        return [int(i) for i in operator.inputs if i >= 0]

    def written(self, operator: Any) -> list[int]:
        """Give the tensors that an operator writes."""
        return [int(i) for i in operator.outputs]

    def producer(self, tensor: int) -> Any | None:
        """Give the operator that writes a tensor; None for inputs and constants."""
        return next((o for o in self.operators if tensor in self.written(o)), None)

    def consumers(self, tensor: int) -> list[Any]:
        """Give the operators that read a tensor."""
        return [o for o in self.operators if tensor in self.read(o)]

    def sole_consumer(self, tensor: int) -> Any | None:
        """Give the one operator that reads a tensor that is no output; None where there is another number of them."""
        found = self.consumers(tensor)
        return found[0] if len(found) == 1 and tensor not in self.outputs else None

    def name(self, tensor: int) -> str:
        """Give a tensor's name."""
        return _text(self.tensors[tensor].name)

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Give a tensor's shape; -1 where the file leaves a size open."""
        found = self.tensors[tensor]
        declared = found.shapeSignature
        if declared is None or not len(declared):
            declared = found.shape
        return () if declared is None else tuple(int(n) for n in declared)

    def type(self, tensor: int) -> str:
        """Give a tensor's element type, as in ``int8``."""
        return _TYPES[int(self.tensors[tensor].type)]

    def is_float(self, tensor: int) -> bool:
        """Tell whether a tensor holds floating-point numbers."""
        return int(self.tensors[tensor].type) in _FLOATS

    def constant(self, tensor: int) -> NDArray[Any] | None:
        """Give a constant's values; None for what is computed."""
        data = self.model.buffers[self.tensors[tensor].buffer].data
        if data is None or not len(data):
            return None
        kind = np.dtype(self.type(tensor))
        return np.asarray(data, np.uint8).view(kind).reshape(self.shape(tensor))

    def set_constant(self, tensor: int, values: NDArray[Any]) -> None:
        """Replace a constant, its shape included. Where another tensor shares its values, that one keeps them."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        found = self.tensors[tensor]
        found.buffer = len(self.model.buffers) - 1
        found.shape, found.shapeSignature = np.array(values.shape, np.int32), None

    def give(self, operator: Any, place: int, values: NDArray[Any]) -> None:
        """Replace the constant that an operator reads as its input number `place`; other operators keep theirs."""
        tensor = int(operator.inputs[place])
        if len(self.consumers(tensor)) == 1:
            self.set_constant(tensor, values)
        else:
            own = self.add_constant(self.name(tensor), values)
            operator.inputs = np.array([own if i == place else t for i, t in enumerate(operator.inputs)], np.int32)

    def add_constant(self, name: str, values: NDArray[Any]) -> int:
        """Add a constant of float32 or int32 and give its tensor."""
        tensor = self.add_tensor(name, values.shape, str(values.dtype))
        self.set_constant(tensor, values)
        return tensor

    def add_rows(self, tensor: int, rows: slice) -> int:
        """Add a constant that is some rows of another, whose quantisation goes by rows or is one for all."""
        values, added = self.constant(tensor), deepcopy(self.tensors[tensor])
        scale = added.quantization and added.quantization.scale
        if scale is not None and len(scale) > 1:
            added.quantization.scale = scale[rows]
            added.quantization.zeroPoint = added.quantization.zeroPoint[rows]
        self.tensors.append(added)
        self.set_constant(len(self.tensors) - 1, np.asarray(values)[rows])
        return len(self.tensors) - 1

    def add_tensor(self, name: str, shape: Sequence[int], kind: str = "float32") -> int:
        """Add a tensor that some operator will write."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name.encode(), np.array(shape, np.int32), 0
        tensor.type = getattr(schema.TensorType, kind.upper())
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def add_operator(self, code: int, inputs: Sequence[int], output: int, options: Any = None, *, at: int) -> None:
        """Insert an operator before the one that now runs as number `at`.

        Args:
            code: As in ``Op.PADV2``.
            inputs: The tensors that it reads.
            output: The tensor that it writes.
            options: The schema's options object that belongs to the code, if it has one.
            at: Its place; it must come after what it reads and before what reads it.
        """
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code_index(code)
        operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            operator.builtinOptions = options
        self.operators.insert(at, operator)

    def replace(self, tensor: int, by: int) -> None:
        """Let everything that reads a tensor read another one instead."""
        for operator in self.operators:
            operator.inputs = np.array([by if i == tensor else i for i in operator.inputs], np.int32)
        graph = self.model.subgraphs[0]
        graph.outputs = np.array([by if i == tensor else i for i in graph.outputs], np.int32)

    def remove(self, operator: Any) -> None:
        """Take an operator out; what read its output has to be told first."""
        self.operators[:] = [o for o in self.operators if o is not operator]

    def _code_index(self, code: int) -> int:
        for index, entry in enumerate(self.model.operatorCodes):
            if _builtin(entry) == code:
                return index
        entry = schema.OperatorCodeT()
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), 1
        self.model.operatorCodes.append(entry)
        return len(self.model.operatorCodes) - 1

    def _prune(self) -> None:
        graph = self.model.subgraphs[0]
        used = {i for o in self.operators for i in (*self.read(o), *self.written(o))} | {*self.inputs, *self.outputs}
        tensors = _renumber(used)
        for operator in self.operators:
            operator.inputs = np.array([tensors.get(int(i), -1) for i in operator.inputs], np.int32)
            operator.outputs = np.array([tensors[int(i)] for i in operator.outputs], np.int32)
        graph.inputs = np.array([tensors[i] for i in self.inputs], np.int32)
        graph.outputs = np.array([tensors[i] for i in self.outputs], np.int32)
        for signature in self.model.signatureDefs or []:
            for entry in (*signature.inputs, *signature.outputs):
                entry.tensorIndex = tensors[entry.tensorIndex]
        self.tensors[:] = [self.tensors[i] for i in tensors]

        metadata = self.model.metadata or []
        buffers = _renumber({0} | {t.buffer for t in self.tensors} | {entry.buffer for entry in metadata})
        for holder in (*self.tensors, *metadata):
            holder.buffer = buffers[holder.buffer]
        self.model.buffers = [self.model.buffers[i] for i in buffers]
        self.model.metadataBuffer = None

        codes = _renumber({o.opcodeIndex for o in self.operators})
        for operator in self.operators:
            operator.opcodeIndex = codes[operator.opcodeIndex]
        self.model.operatorCodes = [self.model.operatorCodes[i] for i in codes]


def _builtin(entry: Any) -> int:
    # Codes up to 127 may be in the old field alone, those beyond in the new one.
    return max(int(entry.builtinCode), int(entry.deprecatedBuiltinCode))


def _renumber(used: Iterable[int]) -> dict[int, int]:
    return {old: new for new, old in enumerate(sorted(used))}


def _entry(name: str, tensor: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), tensor
    return entry


def _text(value: bytes | str | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
