"""What standard output does in a locale without UTF-8: readable stand-ins for people, UTF-8 for machines."""

from __future__ import annotations

import codecs
import io
import sys
from typing import TextIO

_ERRORS = "emotion-edge.stand-ins"

_STAND_INS = {
    "…": "...",
    "→": "->",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "µ": "u",
    "●": "*",
    "○": "o",
    "◐": "-",
    "▇": "#",
    "█": "#",
    "░": ".",
    "·": ".",
    "│": "|",
    "─": "-",
}
"""By character; others become ``?``."""


def replace_unencodable(stream: TextIO) -> None:
    """Have a stream write a stand-in for each character that its encoding does not have, where it raised an error."""
    codecs.register_error(_ERRORS, _stand_in)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=_ERRORS)


def write_utf8() -> None:
    """Have standard output write UTF-8 into a file or pipe, whatever the locale, as JSON and TOML demand."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", errors=_ERRORS)


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_STAND_INS.get(each, "?") for each in error.object[error.start : error.end]), error.end
