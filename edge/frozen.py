"""The base of everything that is read from, or written to, JSON and TOML."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class FrozenModel(BaseModel):
    """A value that is checked when it is made and never changes; an unknown key is an error.

    A subclass that keeps unknown keys says so: ``class Card(FrozenModel, extra="allow")``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True, populate_by_name=True)
