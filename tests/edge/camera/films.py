"""Video files made on the spot: each frame, its time stamp, rotation and the shape of its pixels as the test asks."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    Gray = NDArray[np.uint8]

TICK = Fraction(1, 90000)


def film(
    path: Path,
    frames: Iterable[tuple[float, Gray]],
    *,
    rate: float = 30,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    rotation: int = 0,
    aspect: tuple[int, int] = (1, 1),
) -> Path:
    """Write frames, each with its time in seconds; return the path.

    Args:
        path: Its suffix names the container.
        frames: As they are stored: before a player turns and stretches them.
        rate: Frames per second that the container announces.
        codec: Of FFmpeg.
        pixels: FFmpeg's pixel format.
        rotation: Degrees counterclockwise by which a player turns the frames.
        aspect: Width and height of a pixel.
    """
    options = {"crf": "10"} if codec == "libx264" else {}
    # AVI has no time stamps: a frame for each tick.
    tick = 1 / Fraction(rate) if path.suffix == ".avi" else TICK
    with av.open(str(path), "w") as container:
        stream: Any = None
        for time_s, gray in frames:
            if stream is None:
                stream = container.add_stream(codec, Fraction(rate), options=options)
                stream.width, stream.height, stream.pix_fmt = gray.shape[1], gray.shape[0], pixels
                stream.codec_context.time_base = stream.time_base = tick
                stream.codec_context.sample_aspect_ratio = Fraction(*aspect)
                if codec in {"mjpeg", "mpeg4"}:
                    stream.codec_context.flags |= 2  # AV_CODEC_FLAG_QSCALE
                    stream.codec_context.global_quality = 2 * 118
                if rotation:
                    stream.set_display_rotation(rotation)
            picture = av.VideoFrame.from_ndarray(gray, format="gray").reformat(format=pixels)
            picture.pts, picture.time_base = round(time_s / tick), tick
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path
