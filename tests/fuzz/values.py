"""Random values of every kind that a parser does not like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

SECRET = "hush"  # noqa: S105  # nobody's
"""What no message may repeat, where an address holds it."""

_CHARACTERS = (
    "aZ09 _-.,:;/\\@#?&=%+*'\"[]{}()<>|^~$!`éß日😀"
    "\t\n\r\0\x1b\x7f\x80\x85\xa0\u0301\u200b\u2028\ufdd0\ufeff\ufffe\U0010ffff"
)

_WORDS = (
    "", "auto", "none", "embedded", "testcard", "picamera2", "picamera2:1", "picamera2:x", "/dev/video0", "/dev/null",
    ".", "..", "~", "~nobody", "mqtt://", "mqtt://a", "mqtts://a:1", "rtsp://a", "http://a/b?c=d", "true", "nan",
    "-inf", "1e999", "0x10", "1_000", "٣", "+", "#", "$SYS", "a/b", "uncertain", "ON", "OFF", "null", "None",
)  # fmt: skip


def text(random: Random, longest: int = 12) -> str:
    """Return a word, or a few of the characters that break things."""
    match random.randrange(8):
        case 0 | 1 | 2:
            return random.choice(_WORDS)
        case 3:
            return random.choice(_CHARACTERS) * random.choice((1, 64, 65, 129, 1990, 100_000))
        case _:
            return "".join(random.choices(_CHARACTERS, k=random.randrange(longest)))


def number(random: Random) -> int | float:
    """Return a number: a usual one, one at an edge, or one far out."""
    match random.randrange(4):
        case 0:
            return random.choice((0, 1, -1, 2, 16, 64, 90, 255, 640, 65_535, 2**31, 2**63, 2**64, 10**400, -(10**400)))
        case 1:
            return random.choice((0.0, -0.0, 5e-324, 1e-300, 1e300, float("inf"), float("-inf"), float("nan")))
        case 2:
            return random.randrange(-10, 5000)
        case _:
            return random.uniform(-2, 200)


def value(random: Random, depth: int = 3) -> Any:
    """Return anything that JSON or TOML can hold."""
    match random.randrange(8):
        case 0 | 1 | 2:
            return text(random)
        case 3 | 4:
            return number(random)
        case 5:
            return random.choice((True, False))
        case 6 if depth:
            return [value(random, depth - 1) for _ in range(random.randrange(4))]
        case _ if depth:
            return {text(random): value(random, depth - 1) for _ in range(random.randrange(3))}
        case _:
            return 1


def damaged(random: Random, content: bytes) -> bytes:
    """Return bytes with some cut out, repeated, changed or put in."""
    for _ in range(random.randrange(1, 5)):
        begin, end = sorted(random.randrange(len(content) + 1) for _ in range(2))
        match random.randrange(4):
            case 0:
                content = content[:begin] + content[min(end, begin + 30) :]
            case 1:
                content = content[:begin] + content[begin : begin + 40] * random.choice((2, 50)) + content[begin:]
            case 2:
                content = content[:begin] + random.randbytes(random.randrange(1, 5)) + content[begin + 1 :]
            case _:
                content = content[:begin] + text(random).encode(errors="replace") + content[begin:]
    return content


def address(random: Random) -> str:
    """Return an address whose user or password has the word that must not be shown."""
    scheme = random.choice(("rtsp", "http", "https", "mqtt", "mqtts", "RTSP", "rstp", "ftp", ""))
    separator = random.choice(("://", "://", "://", ":/", "//", ":", ""))
    special = ":/?#@[]%&=!$+,;'\"\\éß \uff14"
    before, after = ("".join(random.choices(special + "ab19", k=random.randrange(4))) for _ in range(2))
    password = before + SECRET + after
    user = random.choice(("admin:", "admin:", "me%40home:", "", ":"))
    if not scheme + separator + user:  # "/hush@cam" is the path of a file
        user = "admin:"
    host = random.choice(("cam", "cam", "10.0.0.7", "[::1]", "[fe80::1%eth0]", "cam.local"))
    port = random.choice(("", "", ":554", ":0", ":65536", ":x"))
    rest = random.choice(("", "/", "/live/1", "?a=b", "/#c", "/user=admin&password=hush", "?token=hush", "/x@hush"))
    return f"{scheme}{separator}{user}{password}@{host}{port}{rest}"
