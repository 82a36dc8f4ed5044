"""Tensors: what operators read and write, constants included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_TYPES: dict[int, str] = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
_FLOATS = frozenset({"float16", "float32", "float64", "bfloat16"})


class Tensor:
    """One tensor of a network.

    It is a handle: it means the same tensor whatever is added to or removed from the graph around it. Its number exists
    in the file alone, and is given when the file is written.

    Attributes:
        record: The schema's own object: name, shape, type and quantisation.
        buffer: The schema's object that holds a constant's values. It may be shared: replace it, never edit it.
    """

    def __init__(self, record: Any, buffer: Any) -> None:
        self.record = record
        self.buffer = buffer

    def __repr__(self) -> str:
        return f"<Tensor {self.name} {self.type} {list(self.shape)}>"

    @classmethod
    def of(cls, name: str, shape: Sequence[int], kind: str, buffer: Any) -> Tensor:
        """Return a new tensor.

        Args:
            name: Its name.
            shape: Its shape.
            kind: Its element type, as in ``float32``.
            buffer: Its values; of a tensor that is computed, the graph's empty buffer.
        """
        record = schema.TensorT()
        record.name, record.shape = name.encode(), np.array(shape, np.int32)
        record.type = getattr(schema.TensorType, kind.upper())
        return cls(record, buffer)

    @property
    def name(self) -> str:
        """Its name in the file."""
        return text(self.record.name)

    @name.setter
    def name(self, name: str) -> None:
        self.record.name = name.encode()

    @property
    def shape(self) -> tuple[int, ...]:
        """Its declared shape; -1 where the file leaves a size open."""
        declared = self.record.shapeSignature
        if declared is None or not len(declared):
            declared = self.record.shape
        return () if declared is None else tuple(int(size) for size in declared)

    @shape.setter
    def shape(self, shape: Sequence[int]) -> None:
        self.record.shape, self.record.shapeSignature = np.array(shape, np.int32), None

    @property
    def type(self) -> str:
        """Its element type, as in ``int8``."""
        return _TYPES[int(self.record.type)]

    @property
    def is_float(self) -> bool:
        """Whether it holds floating-point numbers."""
        return self.type in _FLOATS

    @property
    def values(self) -> NDArray[Any] | None:
        """The values of a constant; None for what is computed."""
        data = self.buffer.data
        if data is None or not len(data):
            return None
        return np.asarray(data, np.uint8).view(np.dtype(self.type)).reshape(self.shape)


def text(value: bytes | str | None) -> str:
    """Return a name as the schema's objects hold it, as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
