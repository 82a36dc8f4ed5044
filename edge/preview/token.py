"""The token that a viewer has to show."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import ConfigError, OutputError
from edge.files import is_there, read_text, write_own
from edge.redaction import redact_file

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import PreviewConfig

log = logging.getLogger(__name__)

FILE = "preview.token"
"""In the state directory, where no other file is named."""

_LEAST = 16
"""Characters: nobody guesses so many through a network within ten minutes, nor within a day."""

_MOST_BYTES = 512
_KEY = "preview.token_file"  # a setting's name


@dataclass(frozen=True)
class Token:
    """A token and the file that holds it."""

    text: str
    file: Path


def required_token(config: PreviewConfig, state: Path) -> Token | None:
    """Return the token that viewers have to show; None if none is asked for.

    One is asked for where others than this machine can connect, and where a file is named. Without a named file it is
    made once, and kept in the state directory, for this user alone.

    Args:
        config: Of the preview.
        state: The state directory.

    Raises:
        ConfigError: The file cannot be read or made, or holds no token.
    """
    if config.token_file:
        return Token(_read(config.token_file, redact_file(str(config.token_file))), config.token_file)
    if config.listen.is_loopback:
        return None
    file = state / FILE
    if not is_there(file):
        try:
            write_own(file, f"{secrets.token_urlsafe(18)}\n".encode())
        except (OSError, OutputError) as error:
            why = (error.strerror or "it cannot be written") if isinstance(error, OSError) else str(error)
            message = f"{_KEY}: a token is needed for {config.listen}, and none can be made in {file}: {why}"
            raise ConfigError(message) from None
    return Token(_read(file, str(file)), file)


def _read(file: Path, shown: str) -> str:
    try:
        text = read_text(file, _MOST_BYTES).strip("\r\n")
    except OSError as error:
        message = f"{_KEY}: {shown}: {error.strerror}; name a file that holds the token"
        raise ConfigError(message) from None
    except UnicodeDecodeError:
        text = ""
    if len(text) < _LEAST or not (text.isascii() and text.isprintable()) or " " in text:
        message = (
            f"{_KEY}: {shown}: not a token: write one line of {_LEAST} ASCII characters or more, without blanks; "
            "openssl rand -hex 16 makes one"
        )
        raise ConfigError(message)
    return text
