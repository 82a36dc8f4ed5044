from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import keras
import numpy as np
import pytest
from PIL import Image

from tests.train.synthetic import Run, call, grating
from train.__main__ import main
from train.datasets import DataError
from train.datasets.ferplus import LABELS
from train.evaluate.grad_cam import grad_cam

if TYPE_CHECKING:
    from pathlib import Path

    from train.datasets import Faces


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Return an image of each label, as the network learned them."""
    random = np.random.default_rng(5)
    paths = [tmp_path / f"{label}.png" for label in LABELS]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), grating(number, random))
    return paths


def test_what_a_model_answers_is_shown_and_drawn(
    trained: Run, pictures: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "drawn"
    more = ["--cropped", "--tta", "2", "--cam", "--out", str(out)]
    assert call(main, ["predict", str(trained.model), *map(str, pictures), *more]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if ".png" in line]
    assert [cells[0].removesuffix(".png") for cells in rows] == list(LABELS)
    assert sum(cells[2] == cells[0].removesuffix(".png") for cells in rows) >= 7
    for label in LABELS:
        with Image.open(out / f"{label}-answers.png") as drawn:
            assert drawn.size[0] > 2 * drawn.size[1]


def test_two_images_of_one_name_have_an_answer_each(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [tmp_path / label / "1.jpg" for label in LABELS[:2]]
    for number, image in enumerate(images):
        image.parent.mkdir()
        cv2.imwrite(str(image), grating(number, np.random.default_rng(5)))
    out = tmp_path / "drawn"
    assert call(main, ["predict", str(trained.model), *map(str, images), "--cropped", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["1-answers-2.png", "1-answers.png"]
    said = capsys.readouterr().out
    assert all(f"{image.parent.name}/1.jpg" in said for image in images)


def test_a_damaged_image_is_told_and_the_others_are_shown(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, name in enumerate(("a.png", "c.png")):
        cv2.imwrite(str(tmp_path / name), grating(number, np.random.default_rng(5)))
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff\xe0broken")
    assert call(main, ["predict", str(trained.model), str(tmp_path), "--cropped"]) == 2
    said = capsys.readouterr()
    assert f"{tmp_path / 'b.jpg'}: " in said.err
    assert len(said.err.splitlines()) == 1
    assert [line.split()[0] for line in said.out.splitlines() if ".png" in line] == ["a.png", "c.png"]
    assert "b.jpg" not in said.out


def test_a_drawing_that_cannot_be_written_loses_no_answers(
    trained: Run, pictures: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, images = tmp_path / "drawn", pictures[:2]
    taken = out / f"{images[0].stem}-answers.png"
    taken.mkdir(parents=True)
    assert call(main, ["predict", str(trained.model), *map(str, images), "--cropped", "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert said.err == f"{taken}: cannot be written: Is a directory\n"
    assert all(image.name in said.out for image in images)
    assert (out / f"{images[1].stem}-answers.png").is_file()


def test_brackets_in_a_name_are_shown(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "holiday [edited].png"), grating(1, np.random.default_rng(5)))
    assert call(main, ["predict", str(trained.model), str(tmp_path), "--cropped"]) == 0
    assert "holiday [edited].png" in capsys.readouterr().out


def test_faces_are_found_in_photos(
    trained: Run, mean_faces: Faces, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = np.full((240, 400), 120, np.uint8)
    for left, number in ((30, 4), (250, 5)):
        scene[70:190, left : left + 120] = cv2.resize(mean_faces.pixels[number], (120, 120))
    cv2.imwrite(str(tmp_path / "two.png"), scene)
    cv2.imwrite(str(tmp_path / "none.png"), np.full((240, 400), 120, np.uint8))
    assert call(main, ["predict", str(trained.model), str(tmp_path / "two.png"), str(tmp_path / "none.png")]) == 0
    said = capsys.readouterr().out
    assert [line.split()[1] for line in said.splitlines() if "two.png" in line] == ["1", "2"]
    assert "none.png none" in " ".join(said.split())


def test_a_map_is_high_where_the_answer_comes_from() -> None:
    pixels = keras.Input((24, 24, 1))
    maps = keras.layers.Conv2D(1, 3, padding="same", use_bias=False, kernel_initializer="ones")(pixels)
    pooled = keras.layers.GlobalAveragePooling2D()(maps)
    model = keras.Model(pixels, keras.layers.Dense(2, kernel_initializer=lambda *_, **__: [[1.0, -1.0]])(pooled))
    picture = np.zeros((24, 24), np.uint8)
    picture[4:8, 15:19] = 200
    found = grad_cam(model, picture, 0)
    assert found.max() == pytest.approx(1)
    assert np.unravel_index(found.argmax(), found.shape)[0] in range(4, 8)
    assert found[picture > 0].min() > 0.4
    assert found[12:].max() == 0
    assert grad_cam(model, picture, 1).max() == 0  # the bright spot speaks against it


def test_a_network_without_places_is_told() -> None:
    pixels = keras.Input((8, 8, 1))
    model = keras.Model(pixels, keras.layers.Dense(2)(keras.layers.Flatten()(pixels)), name="flat")
    with pytest.raises(DataError, match="flat: it has no map of places"):
        grad_cam(model, np.zeros((8, 8), np.uint8), 0)


def test_cam_without_a_folder_is_refused(trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(main, ["predict", str(trained.model), str(tmp_path), "--cam"]) == 2
    assert "--out" in capsys.readouterr().err
