from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.camera.folder import ImageFolder
from edge.errors import CameraError
from tests.edge.camera.conftest import START

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Save = Callable[[str, NDArray[np.uint8]], Path]


def gray(level: int, size: tuple[int, int] = (40, 30)) -> NDArray[np.uint8]:
    return np.full((size[1], size[0]), level, np.uint8)


def test_images_come_in_the_order_a_person_expects_at_the_given_rate(save: Save) -> None:
    for level, name in ((30, "face10.png"), (10, "face1.jpg"), (20, "face2.bmp"), (40, "Face11.pgm")):
        folder = save(name, gray(level))
    (folder / "notes.txt").write_text("passed over")
    camera = ImageFolder(folder, 5, now=lambda: START)
    assert (camera.name, camera.live, camera.synthetic, camera.frames) == ("pictures", False, False, 4)
    frames = [frame for frame in iter(camera.read, None) if frame]
    assert [frame.gray.mean() for frame in frames] == pytest.approx([10, 20, 30, 40], abs=1)
    assert [frame.time_s for frame in frames] == [0, 0.2, 0.4, 0.6]
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3]
    assert {frame.gray.shape for frame in frames} == {(30, 40)}
    assert camera.read() is None


def test_colours_become_gray(save: Save) -> None:
    for name in ("red.png", "red2.png"):
        folder = save(name, np.full((30, 40, 3), (0, 0, 255), np.uint8))
    frame = ImageFolder(folder, 5).read()
    assert frame is not None
    assert frame.gray.mean() == pytest.approx(76, abs=1)  # 0.299 of 255, ITU-R BT.601


def test_an_image_of_another_size_is_named(save: Save) -> None:
    save("a1.png", gray(1))
    camera = ImageFolder(save("a2.png", gray(1, (50, 30))), 5)
    assert camera.read() is not None
    with pytest.raises(
        CameraError, match=r"a2\.png: its size is 50x30, but that of a1\.png is 40x30; a folder is played"
    ):
        camera.read()


def test_a_damaged_image_is_named_and_nothing_else_said(save: Save, capfd: pytest.CaptureFixture[str]) -> None:
    folder = save("a1.png", gray(1))
    (folder / "a2.jpg").write_bytes(b"no picture")
    camera = ImageFolder(folder, 5)
    assert camera.read() is not None
    with pytest.raises(CameraError, match=r"a2\.jpg: not an image"):
        camera.read()
    assert capfd.readouterr().err == ""


def test_a_damaged_first_image_is_told_at_once(save: Save) -> None:
    folder = save("a1.png", gray(1))
    (folder / "a0.jpg").write_bytes(b"no picture")
    with pytest.raises(CameraError, match=r"a0\.jpg"):
        ImageFolder(folder, 5)


def test_images_that_are_too_wide_for_opencv_are_named(save: Save) -> None:
    for name in ("a1.png", "a2.png"):
        folder = save(name, gray(1, (32_767, 1)))
    with pytest.raises(CameraError, match=r"a1\.png: a picture of 32767x1 is too large"):
        ImageFolder(folder, 5)


def test_hidden_files_are_passed_over(save: Save) -> None:
    for name in ("a1.jpg", "a2.jpg"):
        folder = save(name, gray(1))
        (folder / f"._{name}").write_bytes(b"\0\5\26\7 what macOS puts beside each file of a memory card")
    (folder / ".trash.png").write_bytes(b"")
    assert ImageFolder(folder, 5).frames == 2


def test_one_image_is_no_clip(save: Save) -> None:
    with pytest.raises(CameraError, match=r"only one image in this folder, a1\.png; expressions are followed"):
        ImageFolder(save("a1.png", gray(1)), 5)


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match=r"no image in this folder; it takes \.bmp, \.jpeg"):
        ImageFolder(tmp_path, 5)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="gone: No such file or directory"):
        ImageFolder(tmp_path / "gone", 5)


def test_after_close_there_is_no_image(save: Save) -> None:
    save("a1.png", gray(1))
    camera = ImageFolder(save("a2.png", gray(1)), 5)
    camera.close()
    camera.close()
    assert camera.read() is None
