"""How many frames an animated GIF has, how fast they come, and whether the file is whole.

FFmpeg guesses one rate for a GIF from its first delays, wrongly where there
are few or where they differ, and takes a cut-off file for a whole one. The
file itself knows, block by block (GIF89a specification, W3C, sections 15-27).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_GRAPHIC_CONTROL = 0xF9
_SHORTEST_CS, _DEFAULT_CS = 2, 10


@dataclass(frozen=True)
class GifIndex:
    """What a GIF holds."""

    frames: int
    """Images that are there from their first byte to their last."""

    rate: float
    """Frames per second, on average: players show each for its own delay, in steps of 10 ms."""

    complete: bool
    """False: the file breaks off."""


def index_gif(content: bytes | mmap.mmap) -> GifIndex | None:
    """Return what a GIF's blocks say; None where the bytes are no GIF."""
    if content[:6] not in {b"GIF87a", b"GIF89a"}:
        return None
    delays_cs: list[int] = []
    delay_cs = 0
    complete = False
    try:
        at = 13 + _colour_table(content[10])
        while content[at] != _TRAILER:
            if content[at] == _EXTENSION:
                if content[at + 1] == _GRAPHIC_CONTROL:
                    delay_cs = content[at + 4] | content[at + 5] << 8
                at = _after_blocks(content, at + 2)
            elif content[at] == _IMAGE:
                # After the descriptor and its colour table, one byte gives the size of LZW codes.
                at = _after_blocks(content, at + 10 + _colour_table(content[at + 9]) + 1)
                delays_cs.append(delay_cs if delay_cs >= _SHORTEST_CS else _DEFAULT_CS)  # as FFmpeg and browsers do
                delay_cs = 0
            else:
                break
        else:
            complete = True
    except IndexError:  # past the end of the file
        complete = False
    rate = 100 * len(delays_cs) / sum(delays_cs) if delays_cs else 100 / _DEFAULT_CS
    return GifIndex(len(delays_cs), rate, complete)


def _colour_table(flags: int) -> int:
    """Return how many bytes the colour table has that a descriptor's flags announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(content: bytes | mmap.mmap, at: int) -> int:
    """Return where a chain of sub-blocks ends, each led by its length; a length of 0 ends it."""
    while content[at]:
        at += content[at] + 1
    return at + 1
