"""A live view of what devices publish."""

from edge.watch.board import Board
from edge.watch.live import watch

__all__ = ["Board", "watch"]
