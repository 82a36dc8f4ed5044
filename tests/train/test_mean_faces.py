from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest

from train.datasets import DataError, Faces, ferplus
from train.mean_faces import LEAST, SIZE, MeanFaces, mean_faces, save

SHIPPED = Path(str(files("edge"))) / "testcard" / "faces.npz"


def drawn_faces(count: int) -> Faces:
    """Eyes and a mouth at varying places in strong noise; no two pictures are alike."""
    random = np.random.default_rng(3)
    pictures = []
    for _ in range(count):
        x, y = random.integers(-3, 4, 2)
        picture = np.full((48, 48), 170, np.uint8)
        for centre, axes in (((16, 18), (5, 2)), ((32, 18), (5, 2)), ((24, 36), (8, 2))):
            cv2.ellipse(picture, (int(centre[0] + x), int(centre[1] + y)), axes, 0, 0, 360, (20,), -1)
        noisy = picture + random.normal(0, 45, picture.shape)
        pictures.append(noisy.clip(0, 255).astype(np.uint8))
    return Faces(np.stack(pictures), np.ones((count, 1), np.float32), ("happy",))


def test_faces_are_moved_onto_each_other_before_they_are_averaged() -> None:
    faces = drawn_faces(LEAST)
    result = mean_faces(faces)
    assert result.counts == (LEAST,)
    plain = np.asarray(cv2.resize(faces.pixels.mean(axis=0), (SIZE, SIZE)), dtype=np.float32)

    def edges(picture: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
        """Strongest vertical slope at the eyes' edges, for a picture of contrast 1."""
        centre = picture[SIZE // 8 : -SIZE // 8, SIZE // 8 : -SIZE // 8]
        return float(np.abs(np.diff(centre / centre.std(), axis=0)).max())

    assert edges(result.faces[0].astype(np.float32)) > 1.5 * edges(plain)


def test_a_mean_over_repeats_is_refused() -> None:
    few = drawn_faces(LEAST // 2)
    twice = Faces(np.concatenate([few.pixels, few.pixels[:, :, ::-1]]), np.ones((LEAST, 1), np.float32), few.labels)
    with pytest.raises(DataError, match=f"happy: {LEAST // 2} different"):
        mean_faces(twice)


def test_equal_faces_give_equal_bytes(tmp_path: Path) -> None:
    faces = MeanFaces(np.full((1, SIZE, SIZE), 7, np.uint8), ("happy",), (120,))
    for name in ("one.npz", "other.npz"):
        save(faces, tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
    with np.load(tmp_path / "one.npz") as stored:
        assert (stored["faces"] == 7).all()
        assert stored["labels"].tolist() == ["happy"]
        assert stored["counts"].tolist() == [120]


def test_the_shipped_faces_show_nobody() -> None:
    assert SHIPPED.stat().st_size < 64 * 1024
    with np.load(SHIPPED) as stored:
        assert stored["labels"].tolist() == list(ferplus.LABELS)
        assert stored["counts"].min() >= LEAST
        assert stored["faces"].shape == (8, SIZE, SIZE)
        assert stored["faces"].dtype == np.uint8


@pytest.mark.parametrize("label", ferplus.LABELS)
def test_a_cascade_finds_each_shipped_face(label: str) -> None:
    size, x, y = 160, 240, 150
    with np.load(SHIPPED) as stored:
        face = stored["faces"][ferplus.LABELS.index(label)]
    scene = np.full((480, 640), 120, np.uint8)
    cv2.ellipse(scene, (x + size // 2, y + size // 2), (int(0.58 * size), int(0.78 * size)), 0, 0, 360, (85,), -1)
    scene[y : y + size, x : x + size] = cv2.resize(face, (size, size), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 4, scene.shape)
    scene = (scene + noise).clip(0, 255).astype(np.uint8)
    cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"))
    ((left, top, width, height),) = cascade.detectMultiScale(scene, 1.1, 5, minSize=(80, 80))
    assert abs(left + width / 2 - (x + size / 2)) < 0.1 * size
    assert abs(top + height / 2 - (y + size / 2)) < 0.1 * size
    assert 0.8 * size < width < 1.3 * size
