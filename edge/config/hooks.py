"""Which programs are started, and which webhooks called, when a face appears, changes or goes."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from edge.config.section import Section
from edge.wire.characters import forbidden_character

MOST_HOOKS = 16
"""Each has a thread of its own."""

_LIST = 'write a list, the program and each argument: ["/usr/bin/python3", "/home/me/led.py"]; no shell reads it'


def _check_list(command: object) -> object:
    if command is not None and not isinstance(command, list | tuple):
        raise ValueError(_LIST)
    return command


def _check_command(command: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if command is None:
        return None
    if not command or not command[0]:
        raise ValueError(_LIST)
    if "/" in command[0] and not command[0].startswith("/"):
        message = "the program is a name, which is looked for on PATH, or a path that begins with '/'"
        raise ValueError(message)
    for argument in command:
        if character := forbidden_character(argument):
            message = f"the character {character} is not allowed; put a longer program into a file"
            raise ValueError(message)
    return command


def _check_url(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is none
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        message = "not a web address; write http://host:port/path or https://host/path"
        raise ValueError(message)
    if "@" in parts.netloc:
        message = (
            "a user or a password does not belong into the address; have a command send it, with a file of its own"
        )
        raise ValueError(message)
    if not url.isascii() or not url.isprintable() or " " in url:
        message = "an address has no blanks and no letters beyond ASCII; percent-encode them: write %20 for a blank"
        raise ValueError(message)
    return url


def one_for_each(hooks: object) -> object:
    """Return the hooks as they were written.

    Raises:
        ValueError: They are no list of tables, or too many.
    """
    if not isinstance(hooks, list | tuple) or not all(isinstance(hook, dict | HookConfig) for hook in hooks):
        message = "hooks stand in the file alone, each below [[hooks]], with two brackets"
        raise ValueError(message)
    if len(hooks) > MOST_HOOKS:
        message = f"there are {len(hooks)}; at most {MOST_HOOKS} are possible"
        raise ValueError(message)
    return hooks


class HookConfig(Section):
    """A program that is started, or a webhook that is called, with each event of a kind; none by default."""

    on: Literal["appeared", "changed", "gone"]
    """appeared | changed | gone: the type of the event."""

    emotion: str | None = Field(default=None, max_length=64)
    """Only events with this emotion, one of the model's or uncertain; of a face that is gone, its last. Empty: any."""

    command: Annotated[
        tuple[str, ...] | None, BeforeValidator(_check_list), AfterValidator(_check_command), Field(max_length=64)
    ] = None
    """The program and its arguments, started without a shell; it reads the event as JSON from its standard input."""

    url: Annotated[str | None, AfterValidator(_check_url), Field(max_length=1000)] = None
    """Instead of a command: http://… or https://…, which gets the event as JSON by POST."""

    timeout_s: float = Field(default=10.0, gt=0, le=600)
    """Seconds until it is killed, or no answer is waited for any longer."""

    @model_validator(mode="after")
    def _check_one(self) -> HookConfig:
        if self.command is None and self.url is None:
            message = 'say what to do: command = ["program", "argument"] or url = "http://host/path"'
            raise ValueError(message)
        if self.command is not None and self.url is not None:
            message = "command and url exclude each other; write a second [[hooks]]"
            raise ValueError(message)
        return self
