"""How a model takes its pictures: with channels first or last, and how many at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANNELS = frozenset({1, 3})


@dataclass(frozen=True)
class Layout:
    """What the shape of a model's input says; None where it leaves a size open."""

    batch: int | None
    height: int | None
    width: int | None
    channels: int | None
    channels_last: bool
    """Whether pictures are ``(N, H, W, C)`` rather than ``(N, C, H, W)``."""

    @classmethod
    def of(cls, shape: Sequence[int | None], *, usually_last: bool) -> Layout:
        """Return the layout of a shape of four sizes.

        Args:
            shape: Of the input.
            usually_last: Where channels are in this format, for a shape that could be either.
        """
        first, last = (shape[axis] in CHANNELS for axis in (1, 3))
        channels_last = usually_last if first == last else last
        batch, *sizes = shape
        height, width, channels = sizes if channels_last else (*sizes[1:], sizes[0])
        return cls(batch, height, width, channels, channels_last)

    @property
    def axes(self) -> tuple[int, int, int, int]:
        """The transposition that makes the model's pictures of ``(N, H, W, C)``."""
        return (0, 1, 2, 3) if self.channels_last else (0, 3, 1, 2)
