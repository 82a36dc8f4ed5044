"""The base of everything that is read from, or written to, JSON and TOML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_WHOLE_NUMBER, _LIST, _TABLE = "must be a whole number", "must be a list", "must be a table of keys and values"

_REQUIREMENTS = {
    "missing": "is missing",
    "extra_forbidden": "there is no such key",
    "string_type": "must be a text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "path_type": "must be a path",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "int_parsing_size": "has too many digits",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than": "must be greater than {gt:,.16g}",
    "greater_than_equal": "must be at least {ge:,.16g}",
    "less_than": "must be less than {lt:,.16g}",
    "less_than_equal": "must be at most {le:,.16g}",
    "literal_error": "must be {expected}",
    "union_tag_invalid": "{discriminator} must be one of {expected_tags}",
    "string_pattern_mismatch": "must match {pattern}",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "dict_type": _TABLE,
    "model_type": _TABLE,
}
"""What a value must be, by the type of pydantic's error."""


class FrozenModel(BaseModel):
    """A value that is checked when it is made and never changes; an unknown key is an error.

    A subclass that keeps unknown keys says so: ``class Card(FrozenModel, extra="allow")``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, populate_by_name=True)


def requirement(problem: ErrorDetails) -> str:
    """Return what a refused value must be, in plain words: ``must be greater than 0``."""
    kind, place, context = problem["type"], problem["loc"], problem.get("ctx", {})
    if kind == "missing" and place and isinstance(place[-1], int):  # of a list
        return f"must have at least {place[-1] + 1} entries"
    if context.get("min_length") == 1:
        return "must not be empty"
    wording = _REQUIREMENTS.get(kind)
    return wording.format(**context) if wording else problem["msg"].removeprefix("Value error, ")
