"""Process frames with one of the methods that `bench --compare` compares; what it costs is counted from outside.

Usage: process_frames.py METHOD FRAMES.npy FPS COUNT [BLAZEFACE.tflite]

The first frame is a warm-up; COUNT of those after it are processed. The last line says in how many a face was found.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from edge.bench.blazeface import BlazeFace
from edge.bench.methods import MethodName, make_method
from edge.config import Settings
from edge.frame import Frame
from edge.inference.bundle import ModelBundle


def main(name: str, frames: str, fps: str, count: str, blazeface: str | None = None) -> None:
    cv2.setNumThreads(1)  # as the daemon does; what several threads execute at once is not counted whole
    settings = Settings()
    bundle = ModelBundle.configured(settings.emotion)
    search = BlazeFace(Path(blazeface)).search if blazeface else None
    method = make_method(MethodName(name), bundle, settings.faces, settings.emotion, search)
    seen = 0
    for sequence, gray in enumerate(np.load(frames, mmap_mode="r")[: int(count) + 1]):
        method.process(Frame(np.ascontiguousarray(gray), datetime.now(UTC), sequence / float(fps), sequence))
        seen += bool(method.faces()) and sequence > 0
    print(seen)


if __name__ == "__main__":
    main(*sys.argv[1:])
