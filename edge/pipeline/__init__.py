"""Frames in, transitions out: the pure heart of the daemon."""

from edge.pipeline.pipeline import Classifier, Pipeline
from edge.pipeline.transitions import Appeared, Changed, Gone, PresentFace, Snapshot, Transition

__all__ = ["Appeared", "Changed", "Classifier", "Gone", "Pipeline", "PresentFace", "Snapshot", "Transition"]
