"""What all sections of the configuration have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationInfo, field_validator

from edge.frozen import FrozenModel
from edge.wire.characters import forbidden_character


class Section(FrozenModel, use_attribute_docstrings=True, allow_inf_nan=False):
    """Frozen settings; unknown keys, infinite numbers and control characters are errors."""

    @field_validator("*", mode="before")
    @classmethod
    def _check_text(cls, value: Any, info: ValidationInfo) -> Any:
        """Return the value; None for an empty text where the key may be empty, as a variable of the environment is."""
        if not isinstance(value, str | Path):
            return value
        field = cls.model_fields[info.field_name or ""]
        if value == "" and field.default is None:
            return None
        # No broker takes them in a topic, no terminal shows them, TOML must not hold them.
        if character := forbidden_character(str(value)):
            message = f"the character {character} is not allowed"
            raise ValueError(message)
        return value
