"""The gates' limits as options of a command line, each from the field that holds it."""

from __future__ import annotations

import functools
import inspect
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convert.gates import Limits

if TYPE_CHECKING:
    from collections.abc import Callable


def limits_as_options(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command that takes ``limits`` be called with an option for each of them, as in ``--max-drop 1``."""

    @functools.wraps(command)
    def called(**values: Any) -> None:
        limits = Limits(**{field.name: values.pop(field.name) for field in fields(Limits)})
        command(limits=limits, **values)

    own = inspect.signature(command, eval_str=True)
    parameters = [parameter for parameter in own.parameters.values() if parameter.name != "limits"] + [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=Annotated[type(field.default), typer.Option(min=0, metavar="N", help=field.metadata["help"])],
        )
        for field in fields(Limits)
    ]
    called.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # inspect reads it
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called
