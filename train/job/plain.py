"""What takes pydantic's place in a job, where nothing but Keras and its backend need be installed.

Recipes were checked when they were packed. Here their values are put into the same classes, unchecked.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Self

ConfigDict = dict


class ValidationError(ValueError):
    """Never raised here."""


def Field(default: Any = None, **_rules: Any) -> Any:  # noqa: N802  # pydantic's name
    """Return the default of a field."""
    return default


def model_validator(**_options: Any) -> Callable[[Any], Any]:
    """Return a decorator that leaves a validator unused."""
    return lambda function: function


def field_validator(*_fields: str, **_options: Any) -> Callable[[Any], Any]:
    """Return a decorator that leaves a validator unused."""
    return lambda function: function


class BaseModel:
    """A class whose annotated attributes are its values."""

    def __init__(self, **values: Any) -> None:
        for name, hint in _fields(type(self)):
            value = values.get(name, getattr(type(self), name, None))
            setattr(self, name, _put(value, hint))

    @classmethod
    def model_validate(cls, values: Mapping[str, Any]) -> Self:
        """Return an instance with these values; classes among the fields take theirs."""
        return cls(**values)

    @classmethod
    def model_validate_json(cls, text: bytes | str) -> Self:
        """Return an instance of a JSON object."""
        return cls(**json.loads(text))

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """Return a copy with other values."""
        return type(self)(**{**vars(self), **update})

    def model_dump(self, **_options: Any) -> dict[str, Any]:
        """Return the values as JSON has them, tuples apart: classes as dictionaries, paths as text."""
        return {name: _taken_out(value) for name, value in vars(self).items()}

    def model_dump_json(self, indent: int | None = None) -> str:
        """Return the values as JSON."""
        return json.dumps(self.model_dump(), indent=indent)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


def _fields(of: type) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(of).items()
    return ((name, hint) for name, hint in hints if name != "model_config" and get_origin(hint) is not ClassVar)


def _put(value: Any, hint: Any) -> Any:
    """Return what JSON has as what a field has: a tuple, a path, or the class among the field's types.

    Where classes have kinds, it is the one of this kind.
    """
    types = (hint, *get_args(hint))
    if isinstance(value, str):
        return Path(value) if Path in types else value
    if isinstance(value, (list, tuple)):
        of = next((get_args(each)[0] for each in types if get_origin(each) is tuple), None)
        return tuple(_put(each, of) for each in value)
    if not isinstance(value, dict):
        return value
    classes = [each for each in types if isinstance(each, type) and issubclass(each, BaseModel)]
    same = [each for each in classes if getattr(each, "kind", None) == value.get("kind")]
    return (same or classes)[0](**value) if classes else value


def _taken_out(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, Path):
        return value.as_posix()
    return tuple(_taken_out(each) for each in value) if isinstance(value, tuple) else value
