"""A live view of what devices publish, its record and its picture."""

from edge.watch.board import Board
from edge.watch.live import WatchOptions, watch
from edge.watch.picture import Picture, replay

__all__ = ["Board", "Picture", "WatchOptions", "replay", "watch"]
