"""Read a configuration file, whatever is in it, and say what is wrong."""

from __future__ import annotations

import errno
import re
import tomllib
from typing import TYPE_CHECKING, Any

from edge.errors import ConfigError
from edge.files import read_text
from edge.redaction import redact, redact_text
from edge.text import printable

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 65_536
"""Ten times what every key with its explanation takes."""

_LONGEST_LINE = 2_000
"""Characters. tomllib takes 12 s for a key of 20,000 parts, and the square of it for more."""

_HINTS = {
    errno.ENOENT: "'emotion-edge config example' prints what belongs into such a file",
    errno.EACCES: "this user may not read it: name another file with --config, or use sudo",
}
"""What to do where a file cannot be read."""


def shown_name(file: Path) -> str:
    """Return a file's name as messages show it: an address with a password may stand where it belongs."""
    return printable(redact(str(file)), 200)


def read_toml(file: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        ConfigError: It cannot be read, is not TOML, or is of a size that no configuration has.
    """
    place = shown_name(file)
    try:
        text = read_text(file, _MOST_BYTES)
    except OSError as error:
        message = f"{place}: {error.strerror}; {_HINTS.get(error.errno or 0, 'name a TOML file')}"
        raise ConfigError(message) from None
    except UnicodeDecodeError as error:
        message = f"{place}: not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise ConfigError(message) from None
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _LONGEST_LINE:
            message = f"{place}: line {number} is longer than {_LONGEST_LINE:,} characters"
            raise ConfigError(message)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        why = re.sub(r" \(['\"].*['\"],?\)", "", str(error))  # the key that it quotes may be an address
        message = f"{place}: not TOML: {printable(redact_text(why), 200)}"
    except ValueError:  # Python's limit for the digits of an integer
        message = f"{place}: not TOML: a number is too long"
    except RecursionError:
        message = f"{place}: not TOML: lists or tables are nested too deeply"
    raise ConfigError(message)
