"""No frame breaks the pipeline, whatever a camera may send."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.config import EmotionConfig, FacesConfig
from edge.daemon import payloads
from edge.frame import Frame
from edge.inference.bundle import ModelBundle
from edge.pipeline import Pipeline
from edge.testcard import Scene
from edge.vision.detector import HaarDetector

Gray = NDArray[np.uint8]
START = datetime(2026, 1, 1, tzinfo=UTC)
SCENE = Scene()


@st.composite
def frames(draw: st.DrawFn) -> Gray:
    """Draw frames of any size and memory layout: constant, noise, or a face cut off anywhere, mirrored, upside down."""
    height, width = draw(st.integers(1, 500)), draw(st.integers(1, 660))
    kind = draw(st.sampled_from(["constant", "noise", "face"]))
    if kind == "constant":
        gray = np.full((height, width), draw(st.sampled_from([0, 1, 127, 254, 255])), np.uint8)
    elif kind == "noise":
        gray = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 256, (height, width)).astype(np.uint8)
    else:
        top, left = draw(st.integers(0, 470)), draw(st.integers(0, 630))
        gray = SCENE.render(draw(st.integers(0, 40)) / 10)[top : top + height, left : left + width]
    layout = draw(st.sampled_from(["plain", "padded", "every second", "upside down", "mirrored", "columns first"]))
    if layout == "padded":
        wide = np.zeros((gray.shape[0], gray.shape[1] + 13), np.uint8)
        wide[:, : gray.shape[1]] = gray
        return wide[:, : gray.shape[1]]
    views = {"every second": gray[::2, ::2], "upside down": gray[::-1], "mirrored": gray[:, ::-1]}
    return np.asfortranarray(gray) if layout == "columns first" else views.get(layout, gray)


@pytest.fixture(scope="module")
def pipelines() -> list[Pipeline]:
    """Pipelines that live through all examples: each frame meets what the ones before left."""
    bundle = ModelBundle.load()
    made = []
    for least in (16, 72):
        faces = FacesConfig(min_height=least)
        made.append(Pipeline(HaarDetector(least), bundle, faces, EmotionConfig()))
    return made


CLOCK = [0.0]
ORIGIN = payloads.Origin("fuzz", "01JD")


@settings(max_examples=60)
@given(several=st.lists(frames(), min_size=1, max_size=4), step_s=st.sampled_from([0.0, 1e-9, 0.067, 3.0, 1e6]))
def test_any_frames_in_any_order(pipelines: list[Pipeline], several: list[Gray], step_s: float) -> None:
    for gray in [*several, SCENE.render(1.0)]:
        before = gray.copy()
        for pipeline in pipelines:
            now_s = CLOCK[0]
            for transition in pipeline.step(Frame(gray, START + timedelta(seconds=now_s), now_s, 0)):
                assert payloads.event(transition, ORIGIN, 0).to_json()
            payloads.state(pipeline.snapshot(), ORIGIN, START).to_json()
        assert np.array_equal(gray, before)  # nobody draws into the camera's picture
        CLOCK[0] += step_s
