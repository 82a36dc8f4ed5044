"""Process frames with each of the methods that `bench --compare` compares; what they cost is counted from outside.

Usage: process_frames.py FRAMES.npy FPS EVERY BLAZEFACE.tflite

The first frame is a warm-up of each method. The pipeline gets all others, the methods that remember nothing of other
frames get every EVERYth. A call of getppid before and after them tells who counts where they begin and end. A line for
each method says how many frames it got, and in how many of them it found a face.
"""

from __future__ import annotations

import os
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


def main(frames: str, fps: str, every: str, blazeface: str) -> None:
    cv2.setNumThreads(1)  # as the daemon does; what several threads execute at once is not counted whole
    settings = Settings()
    bundle = ModelBundle.configured(settings.emotion)
    search = BlazeFace(Path(blazeface)).search
    now = datetime.now(UTC)
    pictures = [Frame(gray, now, number / float(fps), number) for number, gray in enumerate(np.load(frames))]
    for name in MethodName:
        method = make_method(name, bundle, settings.faces, settings.emotion, search)
        method.process(pictures[0])
        counted = pictures[1 :: 1 if name is MethodName.OURS else int(every)]
        seen = 0
        os.getppid()
        for picture in counted:
            method.process(picture)
            seen += bool(method.faces())
        os.getppid()
        print(name, len(counted), seen)


if __name__ == "__main__":
    main(*sys.argv[1:])
