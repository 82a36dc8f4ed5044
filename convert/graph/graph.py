"""One network: its operators in the order in which they run, and what connects them."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from convert.graph.operator import Operator, builtin
from convert.graph.tensor import Tensor, text
from edge.inference.labels import FACE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LOGITS = "logits"
"""The name of the output that tells the emotions."""


class Graph:
    """One network. Tensors and operators are objects that stay valid through every edit; nothing has a number.

    Attributes:
        model: The schema's own object for the file, without what the others here hold.
        tensors: All tensors. The order is that of the file; what nothing uses is not written.
        operators: In the order in which they run.
        inputs: The tensors that are fed.
        outputs: The tensors that are read.
        signature: Tensors of inputs and outputs by the names that the file's signature gives them.
        buffers: All buffers of constants, the empty one first.
        codes: The schema's objects for operator codes.
        metadata: What else the file says: the schema's objects, each with its buffer.
    """

    def __init__(self, model: Any) -> None:
        """Begin without tensors and operators; `convert.graph.parse` makes a graph of a file."""
        self.model = model
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.signature: tuple[dict[str, Tensor], dict[str, Tensor]] | None = None
        self.buffers: list[Any] = []
        self.codes: list[Any] = []
        self.metadata: list[tuple[Any, Any]] = []

    def copy(self) -> Graph:
        """Return a graph of its own, which shares the constants' values; edits of either leave the other as it is."""
        shared = [*self.buffers, *self.codes]
        return deepcopy(self, {id(part): part for part in shared})

    def set_io(self, pixels: Tensor, logits: Tensor, face: Tensor | None = None) -> None:
        """Name the one tensor that is fed and the one or two that are read, in the graph and in its signature."""
        outputs = {LOGITS: logits} | ({} if face is None else {FACE: face})
        self.inputs, self.outputs = [pixels], list(outputs.values())
        self.signature = {"pixels": pixels}, outputs

    @property
    def output_names(self) -> tuple[str, ...]:
        """The signature's names of the outputs, in their order; empty without a signature."""
        if self.signature is None:
            return ()
        return tuple(next((n for n, t in self.signature[1].items() if t is tensor), "") for tensor in self.outputs)

    def metadata_value(self, name: str) -> bytes:
        """Return the value of a name in the file's metadata; nothing if it is not there."""
        found = (buffer.data for record, buffer in self.metadata if text(record.name) == name)
        return bytes(next(found, b""))

    def producer(self, tensor: Tensor) -> Operator | None:
        """Return the operator that writes a tensor; None for inputs and constants."""
        return next((operator for operator in self.operators if tensor in operator.outputs), None)

    def consumers(self, tensor: Tensor) -> list[Operator]:
        """Return the operators that read a tensor."""
        return [operator for operator in self.operators if tensor in operator.inputs]

    def sole_consumer(self, tensor: Tensor) -> Operator | None:
        """Return the only operator that reads a tensor; None if several or none do, or it is an output."""
        found = self.consumers(tensor)
        return found[0] if len(found) == 1 and tensor not in self.outputs else None

    def set_values(self, tensor: Tensor, values: NDArray[Any]) -> None:
        """Replace a constant, its shape included. Another tensor that shares its values keeps them."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.buffers.append(buffer)
        tensor.buffer, tensor.shape = buffer, values.shape

    def set_input(self, operator: Operator, place: int, values: NDArray[Any]) -> None:
        """Replace the constant that an operator reads as its input number `place`; other operators keep theirs."""
        tensor = operator.inputs[place]
        if tensor is None:
            message = f"{operator.kind} has no input number {place}"
            raise ValueError(message)
        if len(self.consumers(tensor)) == 1:
            self.set_values(tensor, values)
        else:
            operator.inputs[place] = self.add_constant(tensor.name, values)

    def add_tensor(self, name: str, shape: Sequence[int], kind: str = "float32") -> Tensor:
        """Add a tensor that some operator will write, and return it."""
        tensor = Tensor.of(name, shape, kind, self.buffers[0])
        self.tensors.append(tensor)
        return tensor

    def add_constant(self, name: str, values: NDArray[Any]) -> Tensor:
        """Add a constant of float32 or int32 and return its tensor."""
        tensor = self.add_tensor(name, values.shape, str(values.dtype))
        self.set_values(tensor, values)
        return tensor

    def add_copy(self, tensor: Tensor) -> Tensor:
        """Add a tensor with the name, shape, type and quantisation of another, and its values; return it."""
        added = Tensor(deepcopy(tensor.record), tensor.buffer)
        self.tensors.append(added)
        return added

    def add_rows(self, tensor: Tensor, rows: slice) -> Tensor:
        """Add a constant that is some rows of another, whose quantisation is by rows or one for all; return it."""
        values, added = tensor.values, self.add_copy(tensor)
        quantisation = added.record.quantization
        if quantisation and quantisation.scale is not None and len(quantisation.scale) > 1:
            quantisation.scale = quantisation.scale[rows]
            quantisation.zeroPoint = quantisation.zeroPoint[rows]
        self.set_values(added, np.asarray(values)[rows])
        return added

    def add_operator(
        self, code: int, inputs: Sequence[Tensor], output: Tensor, options: Any = None, *, at: int
    ) -> Operator:
        """Insert an operator before the one that now runs as number `at`, and return it.

        Args:
            code: As in ``Op.PADV2``.
            inputs: The tensors that it reads.
            output: The tensor that it writes.
            options: The schema's options object that belongs to the code, if it has one.
            at: Its place; it must come after what it reads and before what reads it.
        """
        record = schema.OperatorT()
        if options is not None:
            record.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            record.builtinOptions = options
        operator = Operator(record, self._code(code), inputs, [output])
        self.operators.insert(at, operator)
        return operator

    def replace(self, tensor: Tensor, by: Tensor) -> None:
        """Let everything that reads a tensor, outputs included, read another one instead."""
        for operator in self.operators:
            operator.inputs = [by if read is tensor else read for read in operator.inputs]
        self.outputs = [by if read is tensor else read for read in self.outputs]

    def remove(self, operator: Operator) -> None:
        """Remove an operator; what read its output must read something else by now."""
        self.operators.remove(operator)

    def _code(self, code: int) -> Any:
        """Return the schema's object for an operator code; add it if there is none."""
        for record in self.codes:
            if builtin(record) == code:
                return record
        record = schema.OperatorCodeT()
        record.builtinCode, record.deprecatedBuiltinCode, record.version = code, min(code, 127), 1
        self.codes.append(record)
        return record
