"""Fields of a recipe that are searched over, as a command line says them."""

from __future__ import annotations

import json
import math
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ValidationError

from train.recipes import Recipe, RecipeError, problem_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORM = "write FIELD=LOW:HIGH, FIELD=LOW:HIGH:log or FIELD=A,B,C, as in network.dropout=0.1:0.5"

_LOG = "log"


class Suggests(Protocol):
    """What a field needs of an Optuna trial."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Return a whole number of a range."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Return a number of a range."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of some values."""


@dataclass(frozen=True)
class SearchedField:
    """One field and the values that it may have.

    Example:
        >>> parse("network.dropout=0.1:0.5")
        SearchedField(path='network.dropout', low=0.1, high=0.5, log=False, choices=())
    """

    path: str
    """Names with dots between, as in ``schedule.learning_rate``."""

    low: float = 0.0
    high: float = 0.0
    log: bool = False
    """Whether a range is searched by ratios, not differences."""

    choices: tuple[str, ...] = ()
    """Values as JSON, for Optuna stores no lists; none of a range."""

    @property
    def examples(self) -> tuple[Any, ...]:
        """Its ends, or all choices: where these are allowed, what lies between is."""
        return tuple(map(json.loads, self.choices)) or (self.low, self.high)

    def suggest(self, trial: Suggests) -> Any:
        """Return a value for a trial."""
        if self.choices:
            return json.loads(trial.suggest_categorical(self.path, self.choices))
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(self.path, self.low, self.high, log=self.log)
        return trial.suggest_float(self.path, self.low, self.high, log=self.log)


def parse(text: str) -> SearchedField:
    """Return the field that a command line says.

    Raises:
        RecipeError: It has another form, or its range is none.
    """
    path, equals, values = text.partition("=")
    if not (path and equals and values):
        message = f"--field {text}: {FORM}"
        raise RecipeError(message)
    low, colon, high = values.partition(":")
    if not colon:
        return SearchedField(path, choices=_choices(text, values))
    high, log, kind = high.partition(":")
    if log and kind != _LOG:
        message = f"--field {text}: {FORM}"
        raise RecipeError(message)
    try:
        ends = _number(low), _number(high)
    except ValueError:
        message = f"--field {text}: {FORM}"
        raise RecipeError(message) from None
    if not ends[0] < ends[1] or (log and ends[0] <= 0):
        message = f"--field {text}: the low end must be below the high one{', and above 0' if log else ''}"
        raise RecipeError(message)
    return SearchedField(path, *ends, log=bool(log))


def with_values(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """Return a recipe with other values of some fields.

    Raises:
        RecipeError: A field is unknown, or a value is not allowed.
    """
    whole = recipe.model_dump(mode="json")
    for path, value in values.items():
        section, last = _place(whole, path)
        section[last] = value
    try:
        return Recipe.model_validate(whole)
    except ValidationError as error:
        tried = ", ".join(f"{path}={json.dumps(value)}" for path, value in values.items())
        message = f"{tried}: {problem_text(error.errors()[0])}"
        raise RecipeError(message) from None


def as_in(recipe: Recipe, field: SearchedField) -> SearchedField:
    """Return a field whose range has ends as the recipe takes them: 0:1 of a field of fractions is 0.0 to 1.0.

    Raises:
        RecipeError: As of `with_values`, for an end or a choice.
    """
    taken = []
    for value in field.examples:
        section, last = _place(with_values(recipe, {field.path: value}).model_dump(mode="json"), field.path)
        taken.append(section[last])
    return field if field.choices else replace(field, low=taken[0], high=taken[1])


def _place(whole: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    """Return the section of a recipe that has a field, and the field's name in it.

    Raises:
        RecipeError: There is none.
    """
    *places, last = path.split(".")
    section: Any = whole
    for place in places:
        section = section.get(place) if isinstance(section, dict) else None
    if not isinstance(section, dict) or last not in section:
        message = f"--field {path}: {whole['name']} has no such field; it has {', '.join(_known(whole))}"
        raise RecipeError(message)
    return section, last


def _known(section: Mapping[str, Any], above: str = "") -> list[str]:
    """Return the paths of all fields."""
    found = []
    for name, value in section.items():
        found += _known(value, f"{above}{name}.") if isinstance(value, dict) and value else [f"{above}{name}"]
    return found


def _number(text: str) -> float:
    """Return a whole number as an int and any other as a float.

    Raises:
        ValueError: It is none, or is not finite.
    """
    try:
        return int(text)
    except ValueError:
        if math.isfinite(found := float(text)):
            return found
        raise


def _choices(text: str, values: str) -> tuple[str, ...]:
    """Return the values of a list as JSON: TOML's, or words without quotation marks."""
    try:
        found: list[Any] = tomllib.loads(f"values = [{values}]")["values"]
    except tomllib.TOMLDecodeError:
        found = [word.strip() for word in values.split(",")]
    try:
        return tuple(json.dumps(value, allow_nan=False) for value in found)
    except (TypeError, ValueError):  # a date, or no finite number
        message = f"--field {text}: a choice is a text, a finite number, true, false, or a list of these"
        raise RecipeError(message) from None
