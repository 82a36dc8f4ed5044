"""``make landmarks``: find the face mesh of every FER2013 picture and keep it in a file.

It runs in an environment of its own, as `mediapipe` wants numpy 1: Kartynnik et al., "Real-time Facial Surface Geometry
from Monocular Video on Mobile GPUs", CVPR workshops 2019; with refinement the mesh has 478 points, ten of them on the
irises. Equal pictures are looked at once. An interrupted run goes on with the part that it was at.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import mediapipe
import numpy as np

from edge.errors import EdgeError
from edge.files import write_atomically
from train.datasets import DataError, fer2013
from train.landmarks import POINTS
from train.landmarks.cache import checksum, write

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 192
"""Pixels that a picture is enlarged to; the mesh network's own input is as large."""

PADDING = SIDE // 4
"""Pixels of black around it: FER2013's faces fill their pictures, and the detector wants to see their edges."""

PART = 500
"""Pictures of a part, which is looked at again if the run is interrupted in it."""


def find(mesh: Any, picture: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Return ``(478, 3)`` x, y and depth of a ``(48, 48)`` picture's face, in widths of the picture; NaN: no face."""
    enlarged = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    padded = cv2.copyMakeBorder(enlarged, PADDING, PADDING, PADDING, PADDING, cv2.BORDER_CONSTANT)
    faces = mesh.process(cv2.cvtColor(padded, cv2.COLOR_GRAY2RGB)).multi_face_landmarks
    if not faces:
        return np.full((POINTS, 3), np.nan, np.float16)
    points = np.array([(point.x, point.y, point.z) for point in faces[0].landmark])
    whole = SIDE + 2 * PADDING
    return np.asarray((points * whole - (PADDING, PADDING, 0)) / SIDE, np.float16)


def extract(fer2013_file: Path, out: Path) -> None:
    """Write the landmarks of all pictures of FER2013.

    Raises:
        DataError: The data set is missing or damaged.
    """
    rows = fer2013.read(fer2013_file).pixels
    _, first = np.unique(rows.reshape(len(rows), -1), axis=0, return_index=True)
    pictures = rows[np.sort(first)]
    scratch = out.with_name(f"{out.name}.parts-{checksum(pictures)[:16]}")
    scratch.mkdir(parents=True, exist_ok=True)
    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True, max_num_faces=1)
    parts = []
    for start in range(0, len(pictures), PART):
        part = pictures[start : start + PART]
        file = scratch / f"{start:05}.npy"
        if not file.exists():
            began = time.monotonic()
            content = io.BytesIO()
            np.save(content, np.stack([find(mesh, picture) for picture in part]), allow_pickle=False)
            write_atomically(file, content.getvalue())
            rate = len(part) / (time.monotonic() - began)
            sys.stdout.write(f"{start + len(part):,} of {len(pictures):,} pictures, {rate:.0f} a second\n")
            sys.stdout.flush()
        parts.append(np.load(file, allow_pickle=False))
    found = np.concatenate(parts)
    write(out, pictures, found)
    shutil.rmtree(scratch)
    missing = int(np.isnan(found[:, 0, 0]).sum())
    sys.stdout.write(f"{out}: {len(found):,} pictures, {missing:,} of them without a face that was found\n")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m train.landmarks.extract", description="Find landmarks.")
    parser.add_argument("fer2013", type=Path, help="FER2013's archive or csv")
    parser.add_argument("out", type=Path, help="the .npz file to write")
    given = parser.parse_args()
    try:
        extract(given.fer2013, given.out)
    except (DataError, EdgeError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
