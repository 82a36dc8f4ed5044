"""A live view of what devices publish, its record and its plot."""

from edge.watch.fleet import Fleet
from edge.watch.live import WatchOptions, watch
from edge.watch.plot_file import PlotFile, replay

__all__ = ["Fleet", "PlotFile", "WatchOptions", "replay", "watch"]
