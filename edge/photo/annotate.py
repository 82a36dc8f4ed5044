"""Draw faces and their emotions into a copy of a photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.geometry import Rect
from edge.palette import colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.photo.faces import PhotoFace

    Colours = NDArray[np.uint8]

_SMALLEST_SIDE = 900
"""Pixels of the shorter side of the copy, so that its text can be read; smaller photos are enlarged, up to 3 times."""

_MOST_ENLARGED = 3.0

_LONGEST_SIDE = 65_500
"""Pixels of the longer side beyond which nothing is enlarged: libjpeg writes no more."""

_ROW = 0.024
"""Height of a line of text, as a part of the shorter side."""

_WIDE = 10.5
"""Width of a face's panel, in lines of text."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_PIXELS = 22.0
"""Height of the font's capital letters with scale 1, about."""

_PANEL = 0.62
"""How dark the panel is."""

_WHITE = (245, 245, 245)


def annotate(photo: Colours, faces: Sequence[PhotoFace]) -> Colours:
    """Return a copy of a photo with each face's box, emotion and probabilities.

    Args:
        photo: ``(H, W, 3)`` blue, green and red levels.
        faces: What was found in it.
    """
    height, width = photo.shape[:2]
    scale = max(1.0, min(_SMALLEST_SIDE / min(height, width), _MOST_ENLARGED, _LONGEST_SIDE / max(height, width)))
    size = round(width * scale), round(height * scale)
    copy = np.array(cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC) if scale > 1 else photo, np.uint8)
    row = max(12.0, _ROW * min(size))
    boxes = [face.box.scaled(scale) for face in faces]
    for face, box in zip(faces, boxes, strict=True):
        corners = cv2.boxPoints((box.centre, (box.width, box.height), face.tilt)).round().astype(np.int32)
        cv2.polylines(copy, [corners], isClosed=True, color=_bgr(face.emotion), thickness=max(2, round(row / 7)))
    taken = [box.expanded(0.05) for box in boxes]
    for face, box in zip(faces, boxes, strict=True):
        panel = _place(box, _WIDE * row, (1.5 + len(face.probabilities)) * row, size, taken)
        taken.append(panel)
        _draw(copy, face, panel, row)
    return copy


def _place(box: Rect, width: float, height: float, size: tuple[int, int], taken: Sequence[Rect]) -> Rect:
    """Return where a panel hides least: beside the face, above or below it, within the picture."""
    gap = 0.08 * box.width
    middle_x, middle_y = box.centre
    places = (
        (box.x + box.width + gap, middle_y - height / 2),
        (box.x - gap - width, middle_y - height / 2),
        (middle_x - width / 2, box.y + box.height + gap),
        (middle_x - width / 2, box.y - gap - height),
    )
    inside = [
        Rect(min(max(x, 0), max(size[0] - width, 0)), min(max(y, 0), max(size[1] - height, 0)), width, height)
        for x, y in places
    ]
    return min(inside, key=lambda panel: sum(panel.intersection_area(other) for other in taken))


def _draw(copy: Colours, face: PhotoFace, panel: Rect, row: float) -> None:
    left, top = round(panel.x), round(panel.y)
    part = copy[top : round(panel.y + panel.height), left : round(panel.x + panel.width)]
    part[:] = ((1 - _PANEL) * part).astype(np.uint8)
    _write(copy, f"{face.emotion} {face.confidence:.0%}", left + 0.3 * row, top + row, 1.1 * row, _bgr(face.emotion))
    longest = 4.2 * row
    for index, (label, probability) in enumerate(face.probabilities.items()):
        base = top + (2.1 + index) * row
        _write(copy, label, left + 0.3 * row, base, 0.8 * row, _WHITE)
        start = round(left + 5.6 * row), round(base - 0.55 * row)
        end = max(start[0] + 1, round(start[0] + probability * longest)), round(base)
        cv2.rectangle(copy, start, end, _bgr(label), -1)


def _write(copy: Colours, text: str, x: float, y: float, row: float, bgr: tuple[int, int, int]) -> None:
    plain = text.encode("ascii", "replace").decode()  # the font has no other letters
    thickness = max(1, round(row / 14))
    cv2.putText(copy, plain, (round(x), round(y)), _FONT, 0.62 * row / _FONT_PIXELS, bgr, thickness, cv2.LINE_AA)


def _bgr(emotion: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour(emotion).removeprefix("#"))
    return blue, green, red
