from __future__ import annotations

import os
import struct
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.camera import images
from edge.camera.folder import ImageFolder
from edge.camera.images import announced_size, read_colours, read_image
from edge.errors import CameraError

if TYPE_CHECKING:
    from pathlib import Path

RAMP = np.tile(np.arange(160, dtype=np.uint8), (120, 1))
KINDS = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".webp")


def png(width: int, height: int) -> bytes:
    """Return a PNG that announces a size and holds a single byte of it."""
    parts = (
        (b"IHDR", struct.pack(">II5B", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0")),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def encoded(kind: str) -> bytes:
    return cv2.imencode(kind, RAMP)[1].tobytes()


def enlarged(kind: str) -> bytes:
    """Return an image that says it has 60000x60000 pixels."""
    content = encoded(kind)
    if kind == ".png":
        return png(60000, 60000)
    if kind == ".bmp":
        return content[:18] + struct.pack("<ii", 60000, 60000) + content[26:]
    if kind == ".pgm":
        return content.replace(b"160 120", b"60000 60000", 1)
    if kind == ".webp":  # its simple form goes to 16383 pixels a side, its extended one farther
        side = (60000 - 1).to_bytes(3, "little")
        extended = b"WEBPVP8X" + struct.pack("<II", 10, 0) + side + side + content[12:]
        return b"RIFF" + struct.pack("<I", len(extended)) + extended
    return content.replace(struct.pack(">HH", 120, 160), struct.pack(">HH", 60000, 60000), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_read_and_its_size_known_before(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"image{kind.upper()}"
    path.write_bytes(encoded(kind))
    assert np.abs(read_image(path).astype(int) - RAMP).max() <= (2 if kind.startswith((".j", ".w")) else 0)
    assert announced_size(path.read_bytes()) == (160, 120)


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_says_it_is_huge_is_refused_before_it_takes_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"huge{kind}"
    path.write_bytes(enlarged(kind))
    with pytest.raises(CameraError, match=r"huge.*: it says that it has 60000x60000 pixels; at most") as caught:
        read_image(path)
    assert caught.value.exit_code == 3


def test_a_sparse_file_of_20_gb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MOST_BYTES", 1024 * 1024)
    path = tmp_path / "sparse.png"
    path.write_bytes(encoded(".png"))
    os.truncate(path, 20 * 1024**3)
    with pytest.raises(CameraError, match=r"sparse\.png: this is larger than 1,048,576 bytes"):
        read_image(path)


@pytest.mark.parametrize("kind", [".jpg", ".png", ".bmp", ".pgm", ".webp"])
@pytest.mark.parametrize("part", [0.05, 0.3, 0.6, 0.95])
def test_an_image_that_breaks_off_is_told(
    tmp_path: Path, kind: str, part: float, capfd: pytest.CaptureFixture[str]
) -> None:
    content = encoded(kind)
    path = tmp_path / f"cut{kind}"
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(CameraError, match=r"cut.*: .*mend or remove it"):
        read_image(path)
    assert capfd.readouterr().err == ""


def test_a_jpeg_whose_thumbnail_is_whole_may_still_break_off(tmp_path: Path) -> None:
    thumbnail, content = encoded(".jpg"), encoded(".jpg")
    embedded = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    path = tmp_path / "photo.jpg"
    path.write_bytes(content[:2] + embedded + content[2:])
    assert read_image(path).shape == (120, 160)
    path.write_bytes(content[:2] + embedded + content[2:-200])
    with pytest.raises(CameraError, match="the image breaks off"):
        read_image(path)


def test_a_jpeg_with_something_behind_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(".jpg") + b"what some phones append")
    assert read_image(path).shape == (120, 160)


def test_a_photo_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    tiff = b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"  # orientation 6: 90 degrees clockwise
    exif = b"Exif\0\0" + tiff
    content = encoded(".jpg")
    path = tmp_path / "upright.jpg"
    path.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:])
    assert np.abs(read_image(path).astype(int) - np.rot90(RAMP, -1)).max() <= 2


@pytest.mark.parametrize("kind", ["fifo", "endless", "folder", "socket"])
def test_what_is_no_regular_file_is_told_at_once(tmp_path: Path, kind: str) -> None:
    for name in ("b.png", "c.png"):
        (tmp_path / name).write_bytes(encoded(".png"))
    path = tmp_path / "a.png"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "socket":
        path.symlink_to("/dev/log-that-is-not-there")
    else:
        path.mkdir()
    with pytest.raises(CameraError, match=r"a\.png: .*; correct the name, mend or remove it"):
        ImageFolder(tmp_path, 5)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\0" * 9, b"P5", b"BM", b"text"])
def test_other_bytes_are_no_image(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(CameraError, match=r"a\.jpg: not an image that can be read \(\.bmp, \.jpeg"):
        read_image(path)


@pytest.mark.parametrize(("quality", "most"), [(80, 6), (101, 0)])  # above 100 it is lossless, another format
@pytest.mark.parametrize("size", [(120, 160), (1, 300), (517, 3)])
def test_the_size_of_every_webp_is_known(tmp_path: Path, quality: int, most: int, size: tuple[int, int]) -> None:
    picture = np.full(size, 90, np.uint8)
    content = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
    assert announced_size(content) == size[::-1]
    path = tmp_path / "a.webp"
    path.write_bytes(content)
    assert np.abs(read_image(path).astype(int) - picture).max() <= most


def test_stray_bytes_within_a_photo_are_no_line_of_libjpeg(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content = cv2.imencode(".jpg", RAMP, [cv2.IMWRITE_JPEG_RST_INTERVAL, 20])[1].tobytes()
    path = tmp_path / "a.jpg"
    path.write_bytes(content.replace(b"\xff\xd0", b"\x12\x34\xff\xd0"))
    assert read_colours(path).shape == (120, 160, 3)
    assert capfd.readouterr().err == ""


def test_colours_stay_and_what_is_transparent_is_white(tmp_path: Path) -> None:
    picture = np.zeros((20, 30, 4), np.uint8)
    picture[:] = 10, 20, 200, 255
    picture[:, 10:20, 3] = 0
    picture[:, 20:, 3] = 128
    for suffix, options in ((".png", []), (".webp", [cv2.IMWRITE_WEBP_QUALITY, 101])):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(cv2.imencode(suffix, picture, options)[1].tobytes())
        seen = read_colours(path)
        assert seen.shape == (20, 30, 3)
        assert seen[0, 0].tolist() == [10, 20, 200]
        assert seen[0, 15].tolist() == [255, 255, 255]
        assert np.abs(seen[0, 25].astype(int) - [132, 137, 227]).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_what_is_transparent_is_turned_as_the_colours_are(tmp_path: Path, orientation: int, order: str) -> None:
    whole = np.full((20, 30, 4), (10, 20, 200, 255), np.uint8)
    whole[:5, :10] = 0
    on_white = whole[..., :3].copy()
    on_white[:5, :10] = 255
    seen = []
    for name, picture in (("whole.png", whole), ("on-white.png", on_white)):
        content = cv2.imencode(".png", picture)[1].tobytes()
        exif = (b"MM" if order == ">" else b"II") + struct.pack(f"{order}HIH", 42, 8, 2)
        exif += struct.pack(f"{order}HHII", 0x0100, 4, 1, 30)
        exif += struct.pack(f"{order}HHIHHI", 0x0112, 3, 1, orientation, 0, 0)
        chunk = b"eXIf" + exif
        chunk = struct.pack(">I", len(exif)) + chunk + struct.pack(">I", zlib.crc32(chunk))
        (tmp_path / name).write_bytes(content[:33] + chunk + content[33:])  # behind the header
        seen.append(read_colours(tmp_path / name))
    assert seen[0].shape == ((20, 30, 3) if orientation < 5 else (30, 20, 3))
    assert np.array_equal(seen[0], seen[1])


def test_16_bits_and_gray_become_colours_of_8(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(cv2.imencode(".png", RAMP.astype(np.uint16) * 257)[1].tobytes())
    assert np.array_equal(read_colours(path), np.repeat(RAMP[..., None], 3, axis=2))
    assert np.array_equal(read_image(path), RAMP)


def test_a_deep_picture_with_transparency_is_read(tmp_path: Path) -> None:
    picture = np.full((20, 30, 4), 40000, np.uint16)
    picture[..., 3] = 65535
    path = tmp_path / "a.png"
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    assert np.abs(read_colours(path).astype(int) - 156).max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_breaks_off_anywhere_is_refused_or_read(tmp_path: Path, kind: str) -> None:
    content, path = cv2.imencode(kind, RAMP[:16, :16])[1].tobytes(), tmp_path / f"image{kind}"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with suppress(CameraError):
            assert read_image(path).ndim == 2
