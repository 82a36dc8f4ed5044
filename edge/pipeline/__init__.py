"""Frames in, transitions out: the pure heart of the daemon."""

from edge.pipeline.pipeline import Pipeline
from edge.pipeline.transitions import Appeared, Changed, Gone, PresentFace, Snapshot, Transition

__all__ = ["Appeared", "Changed", "Gone", "Pipeline", "PresentFace", "Snapshot", "Transition"]
