"""What may be shown of an address: the one decision for every log line, screen, file and message.

An address may hold a secret anywhere: in the user (ThingsBoard's tokens), the password, the path (web hooks, and the
``/user=admin&password=…`` of many cameras), the query. Written wrong, it may hold one where no parser looks for it.
So only what is certainly a scheme, a host or a port is shown; the rest is replaced by ``…``.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "…"
"""Stands for what is not shown."""

_LONGEST = 2048
"""Characters; what is longer is no address, and is not searched for one."""

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,15})://([^/?#\\]*)(.*)", re.DOTALL)
"""Scheme, authority and the rest (RFC 3986, section 3); browsers and FFmpeg read ``\\`` as ``/``."""

_HOST = re.compile(r"(?:\w(?:[\w.-]{0,251}\w)?|\[[0-9A-Fa-f:.]{2,45}(?:%\w{1,15})?\])(?::([0-9]{1,5}))?")
"""A name, an IPv4 or a bracketed IPv6 address, and a port."""

_PATH = re.compile(r"(?:~[\w-]*|\.{0,2})/(?!/)(?!.*:[^/]*@)(?!.*\?.*=).*", re.DOTALL)
"""The path of a file that begins like one, and that is no address without its scheme."""

_NAME = re.compile(r"picamera2:\w{0,8}|[^:@?=&%]*")
"""What is too simple to hold a user and a password."""

_LISTEN = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}")
"""An IP address and a port, without a scheme."""

_EXAMPLE = re.compile(
    r"\w{4,5}://(?:(?:user(?::password)?@)?host(?::port)?(?:/path)?|\[user@\]host\[:port\])|@|emotion-edge@NAME"
)
"""What our own messages tell a user to write."""

_SCHEME_ALONE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,15}:/{1,2}")
"""An address with nothing in it."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,15}:/")
_LEAD = re.compile(r"(?:[\w.]*[=(\[{<\"'`]+)?")
"""What may stand before the scheme in the same word: quotes and brackets, and a name, as in ``url="``."""

_BEHIND = "\"'`.,;:!)]}>"
"""What may stand behind an address in the same word."""

_BLANK = re.compile(r"\s")
_SUSPICIOUS = re.compile(r"@|[?&][\w.-]{1,40}=")
"""Marks an address whose scheme was forgotten."""


def redact(address: str) -> str:
    """Return what may be shown of an address: ``rtsp://…@host:554/…``.

    Keywords, names and paths of files come back as they are. To redact twice changes nothing more.

    Args:
        address: As a user wrote it, right or wrong: a camera's source, a broker's URL, a web hook.
    """
    if len(address) > _LONGEST:
        return HIDDEN
    if _EXAMPLE.fullmatch(address) or _LISTEN.fullmatch(address):
        return address
    if not (parts := _ADDRESS.fullmatch(address.strip())):
        return address if _PATH.fullmatch(address) or _NAME.fullmatch(address) else HIDDEN
    scheme, authority, rest = parts.groups()
    _, at, place = authority.rpartition("@")
    host = _HOST.fullmatch(place)
    # With an @ behind the host, the password holds a / ? or #, and what looks like the host is the user.
    if not host or int(host[1] or 0) > 65535 or "@" in rest or "%40" in rest:
        return f"{scheme}://{HIDDEN}"
    return f"{scheme}://{HIDDEN if at else ''}{at}{place}{rest if len(rest) < 2 else rest[0] + HIDDEN}"


def redact_text(text: str, addresses: Iterable[str] = ()) -> str:
    """Return a text with the addresses in it redacted.

    Args:
        text: A log line, an error's message, a traceback.
        addresses: Addresses that it may quote. One without a scheme that has blanks is found only where it is named.
    """
    for address in addresses:
        if (shown := redact(address)) != address and not _SCHEME_ALONE.fullmatch(address):
            text = text.replace(address, shown).replace(repr(address)[1:-1], shown)
    return "".join(map(_redact_line, text.splitlines(keepends=True)))


def redact_file(name: str) -> str:
    """Return what may be shown of the name of a file with a secret: nothing unless it has a folder in it.

    People write the secret itself where the name of its file belongs.
    """
    return name if "/" in name else HIDDEN


def _redact_line(line: str) -> str:
    begins: list[int] = []
    end = 0
    for found in _SCHEME.finditer(line):
        if found.start() >= end:  # else it belongs to the address before
            begins.append(_address_begin(line, found.start(), end))
            end = _word_end(line, found.start(), len(line))
    result = _redact_words(line[: begins[0]] if begins else line)
    for begin, end in pairwise([*begins, len(line)]):
        stop = _word_end(line, begin, end)
        shown, example = redact(line[begin:stop]), _EXAMPLE.fullmatch(line[begin:stop].rstrip(_BEHIND))
        if not example and (shown == HIDDEN or shown.endswith(f"://{HIDDEN}")):
            # Its password may hold blanks, so up to the last @.
            stop = _word_end(line, max(begin, line.rfind("@", begin, end)), end)
        result += _redact_word(line[begin:stop]) + _redact_words(line[stop:end])
    return result


def _address_begin(line: str, scheme: int, least: int) -> int:
    """Return where an address begins: not with its scheme, but with its word if the scheme may be a password's part."""
    begin = scheme
    while begin > least and not _BLANK.match(line[begin - 1]):
        begin -= 1
    word = line[begin : _word_end(line, scheme, len(line))]
    return scheme if _LEAD.fullmatch(line, begin, scheme) or not _SUSPICIOUS.search(word) else begin


def _word_end(line: str, begin: int, end: int) -> int:
    blank = _BLANK.search(line, begin, end)
    return blank.start() if blank else end


def _redact_words(text: str) -> str:
    return re.sub(r"\S+", lambda word: _redact_word(word[0]) if _SUSPICIOUS.search(word[0]) else word[0], text)


def _redact_word(word: str) -> str:
    """Redact an address with a sentence's punctuation around it."""
    begin = len(word) - len(word.lstrip("\"'`([{<"))
    inner = word[begin:].rstrip(_BEHIND)
    # The bracket of an IPv6 address is its own.
    inner += "]" if inner.count("[") > inner.count("]") and word[begin + len(inner) :].startswith("]") else ""
    return word[:begin] + redact(inner) + word[begin + len(inner) :]
