"""What one device says in a round of the test card: its own pipeline looked at it, once, for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from edge.config import EmotionConfig, FacesConfig
from edge.frame import Frame
from edge.inference.bundle import SHIPPED, ModelBundle
from edge.pipeline import Pipeline, Snapshot
from edge.testcard import Scene
from edge.vision.detector import HaarDetector

if TYPE_CHECKING:
    from edge.pipeline import Transition


@dataclass(frozen=True)
class Act:
    """What was said with one frame; whoever plays it puts their own name, session and time in."""

    at_s: float
    """Since the round began."""

    transitions: tuple[Transition, ...]
    snapshot: Snapshot


def record(seconds: float = 37.0, fps: float = 15.0) -> tuple[Act, ...]:
    """Look at the test card, which shows eight emotions for 4 s each, then nobody for 5 s.

    Args:
        seconds: How much of it.
        fps: Frames per second.
    """
    scene, bundle = Scene(), ModelBundle.load(SHIPPED)
    detector = HaarDetector(FacesConfig().min_height)
    pipeline = Pipeline(detector, bundle, FacesConfig(), EmotionConfig())
    began = datetime.now(UTC)
    acts = []
    for number in range(int(seconds * fps)):
        at_s = number / fps
        moment = began + timedelta(seconds=at_s)
        frame = Frame(scene.render(at_s), moment, at_s, number)
        if (transitions := pipeline.step(frame)) and (snapshot := pipeline.snapshot()):
            acts.append(Act(at_s, tuple(transitions), snapshot))
    if (transitions := pipeline.finish()) and (snapshot := pipeline.snapshot()):  # a round begins with nobody there
        acts.append(Act(seconds, tuple(transitions), snapshot))
    return tuple(acts)
