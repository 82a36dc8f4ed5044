"""Operators: what a network computes, in terms of the tensors that it reads and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ai_edge_litert import schema_py_generated as schema

from convert.graph.tensor import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convert.graph.tensor import Tensor

Op = schema.BuiltinOperator
"""Operator codes, as in ``Op.CONV_2D``."""

Padding, FusedActivation = schema.Padding, schema.ActivationFunctionType

_NAMES = {code: name for name, code in vars(Op).items() if isinstance(code, int)}


class Operator:
    """One operator of a network.

    Attributes:
        record: The schema's own object, without the numbers of its code and tensors.
        code_record: The schema's object for its code; operators of one code share it.
        inputs: The tensors that it reads, in their places; None where an optional one is absent.
        outputs: The tensors that it writes.
        intermediates: Tensors that it uses within; hardly any operator has some.
    """

    def __init__(
        self,
        record: Any,
        code_record: Any,
        inputs: Sequence[Tensor | None],
        outputs: Sequence[Tensor],
        intermediates: Sequence[Tensor] = (),
    ) -> None:
        self.record = record
        self.code_record = code_record
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.intermediates = list(intermediates)

    def __repr__(self) -> str:
        return f"<Operator {self.kind} {self.outputs}>"

    @property
    def code(self) -> int:
        """Its code, as in ``Op.CONV_2D``."""
        return builtin(self.code_record)

    @property
    def kind(self) -> str:
        """Its name, as in ``CONV_2D``; a custom operator's own name."""
        if self.code == Op.CUSTOM:
            return text(self.code_record.customCode) or "CUSTOM"
        return str(_NAMES.get(self.code, f"operator {self.code}"))

    @property
    def options(self) -> Any:
        """The schema's options object of its code; may be edited."""
        return self.record.builtinOptions

    @property
    def fused_activation(self) -> int:
        """The activation function within it, as in ``FusedActivation.RELU``."""
        return int(getattr(self.options, "fusedActivationFunction", FusedActivation.NONE))

    @property
    def read(self) -> list[Tensor]:
        """The tensors that it reads, without the absent ones."""
        return [tensor for tensor in self.inputs if tensor is not None]

    @property
    def output(self) -> Tensor:
        """The first, and nearly always the only, tensor that it writes."""
        return self.outputs[0]


def builtin(code_record: Any) -> int:
    """Return the code that the schema's object stands for."""
    # Codes up to 127 may be in the old field alone, those beyond in the new one.
    return max(int(code_record.builtinCode), int(code_record.deprecatedBuiltinCode))
