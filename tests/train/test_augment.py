from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from keras import ops

from tests.train.synthetic import grating
from train.augment import Augmentation
from train.augment.optics import RandomResolution
from train.recipes import AugmentConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOTHING: dict[str, Any] = {
    "rotate_degrees": 0, "scale": 0, "shift": 0, "contrast": 0, "brightness": 0, "gamma": 1, "noise": 0, "blur": 0,
    "erase": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.float32]:
    random = np.random.default_rng(1)
    return np.stack([grating(label % 4, random) for label in range(64)]).astype(np.float32)[..., None]


def changed(pictures: NDArray[np.float32], *, light: bool = False, **config: float) -> NDArray[np.float32]:
    keras.utils.set_random_seed(1)
    augmentation = Augmentation(AugmentConfig(**NOTHING | config))
    augmentation.is_light.assign(float(light))
    return np.asarray(ops.convert_to_numpy(augmentation(pictures, training=True)))


def same_or_mirrored(found: NDArray[np.float32], pictures: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pictures are as they were (column 0), and which are mirrored (column 1)."""
    return np.stack(
        [np.isclose(found, p, atol=0.1).all(axis=(1, 2, 3)) for p in (pictures, pictures[:, :, ::-1])], axis=1
    )


def test_nothing_but_mirror_images_without_strength_and_in_light_epochs(pictures: NDArray[np.float32]) -> None:
    for found in (
        changed(pictures),
        changed(pictures, light=True, noise=0.2, blur=1.0, erase=0.5, contrast=0.5, rotate_degrees=40),
    ):
        which = same_or_mirrored(found, pictures)
        assert which.any(axis=1).all()
        assert 10 < which[:, 1].sum() < 54


def test_nothing_happens_outside_training(pictures: NDArray[np.float32]) -> None:
    assert np.array_equal(Augmentation(AugmentConfig())(pictures, training=False), pictures)


def test_a_share_is_blurred_and_the_others_are_sharpened(pictures: NDArray[np.float32]) -> None:
    before = pictures.std(axis=(1, 2, 3))
    found = changed(pictures, blur=1.0, blur_share=0.4, sharpen=0.5).std(axis=(1, 2, 3))
    assert 12 < (found < before).sum() < 40
    untouched = same_or_mirrored(changed(pictures, blur=1.0, blur_share=0.4), pictures).any(axis=1)
    assert 24 < untouched.sum() < 52
    assert not same_or_mirrored(changed(pictures, blur=1.0), pictures).any(axis=1)[before > 40].all()


def test_a_share_is_seen_with_few_pixels() -> None:
    fine = np.tile(np.where(np.indices((48, 48)).sum(axis=0) % 2, 255, 0), (96, 1, 1)).astype(np.float32)[..., None]
    contrast = changed(fine, coarse_share=0.5).std(axis=(1, 2, 3))
    assert 32 < (contrast < 20).sum() < 64  # a checker of single pixels does not survive
    assert (contrast[contrast >= 20] > 120).all()


def test_few_pixels_are_those_of_a_picture_that_is_reduced_and_enlarged(pictures: NDArray[np.float32]) -> None:
    found = changed(pictures, coarse_share=1, flip=False)
    small = [ops.image.resize(pictures, (side, side), antialias=True) for side in RandomResolution.SIDES]
    wanted = [ops.convert_to_numpy(ops.image.resize(pixels, (48, 48))) for pixels in small]
    sizes = np.stack([np.isclose(found, one, atol=0.01).all(axis=(1, 2, 3)) for one in wanted])
    assert (sizes.sum(axis=0) == 1).all()  # each at one of the sizes
    assert (sizes.sum(axis=1) > 8).all()  # and at each size some


def test_a_share_is_blurred_along_a_line_of_any_direction() -> None:
    point = np.zeros((400, 48, 48, 1), np.float32)
    point[:, 24, 24] = 240
    found = changed(point, flip=False, motion_share=0.5, motion=7)[..., 0]
    moved = np.abs(found - point[..., 0]).max(axis=(1, 2)) > 1e-3
    assert 160 < moved.sum() < 240
    assert found.sum(axis=(1, 2)) == pytest.approx(240, rel=1e-4)
    down, right = np.mgrid[-24:24, -24:24]
    spread = np.array(
        [[(one * a * b).sum() / 240 for a, b in ((right, right), (down, down), (right, down))] for one in found]
    )
    middle, apart = (spread[:, 0] + spread[:, 1]) / 2, np.hypot((spread[:, 0] - spread[:, 1]) / 2, spread[:, 2])
    along, beside = middle + apart, middle - apart  # variances
    assert along.max() == pytest.approx(4, rel=0.1)  # of seven pixels
    assert beside.max() < 0.4  # of a line between two rows
    upright, slanted = spread[:, 1] > spread[:, 0], np.abs(spread[:, 2]) > apart / 2
    assert all(40 < which[moved].sum() < 180 for which in (upright, ~upright, slanted))


def test_light_comes_from_all_sides_and_is_as_bright_in_the_middle() -> None:
    gray = np.full((200, 48, 48, 1), 100, np.float32)
    found = changed(gray, flip=False, side_light=0.6)[..., 0]
    assert found + found[:, ::-1, ::-1] == pytest.approx(200, abs=1e-2)
    right, below = found[:, 24, 47] - 100, found[:, 47, 24] - 100
    for one in (right, below):
        assert 80 < (one > 0).sum() < 120
        assert 50 < np.abs(one).max() < 60


def test_tone_curves_bend_both_ways_and_keep_black_white_and_order() -> None:
    ramp = np.tile(np.arange(48, dtype=np.float32) * 255 / 47, (200, 48, 1))[..., None]
    found = changed(ramp, flip=False, tone=1.0)[:, 0, :, 0]
    assert found[:, [0, -1]] == pytest.approx(np.tile([0, 255], (200, 1)), abs=0.2)
    assert (np.diff(found, axis=1) > -0.01).all()
    bend = found[:, 12] - ramp[0, 0, 12, 0]
    assert 80 < (bend > 0).sum() < 120
    assert np.abs(bend).max() == pytest.approx(255 / (2 * np.pi), rel=0.05)


def test_a_share_wears_glasses_where_the_eyes_are() -> None:
    faces = np.full((400, 48, 48, 1), 250, np.float32)
    found = changed(faces, flip=False, glasses_share=0.5)[..., 0]
    wears = (found < 240).any(axis=(1, 2))
    assert 160 < wears.sum() < 240
    assert (found[:, 28:] == 250).all()
    assert (found[:, :9] == 250).all()
    assert (found[wears, 10:27, :5] < 250).any(axis=(1, 2)).all()  # they go on to the ears
    dark = (found[wears][:, 18, [15, 33]] < 240).all(axis=1)
    assert 0.2 < dark.mean() < 0.45


def test_a_share_is_covered_by_a_hand_as_bright_as_the_face() -> None:
    faces = np.full((400, 48, 48, 1), 100, np.float32)
    faces[:, ::2] = 140
    found = changed(faces, flip=False, hand_share=0.5)[..., 0]
    covered = np.abs(found - faces[..., 0]) > 1
    some = covered.any(axis=(1, 2))
    assert 160 < some.sum() < 240
    assert not covered[:, :12].any()
    assert found.min() > 83
    assert found.max() < 157
    assert 0.03 < covered[some].mean() < 0.2


def test_faces_are_grown() -> None:
    disc = np.hypot(*(np.mgrid[:48, :48] - 23.5)) < 10
    picture = np.where(disc, 255, 0).astype(np.float32)[None, ..., None]
    larger, smaller = (changed(picture, grow=grow).mean() / picture.mean() for grow in (0.2, -0.2))
    assert larger == pytest.approx(np.exp(0.4), rel=0.05)
    assert smaller == pytest.approx(np.exp(-0.4), rel=0.05)


def test_without_flip_nothing_is_changed(pictures: NDArray[np.float32]) -> None:
    assert np.array_equal(changed(pictures, flip=False), pictures)
    assert same_or_mirrored(changed(pictures, light=True, flip=False, noise=0.2), pictures)[:, 0].all()


def test_shear_moves_the_top_against_the_bottom() -> None:
    bar = np.where(np.abs(np.arange(48) - 23.5) < 3, 255, 0) * np.ones((32, 48, 1))
    found = changed(bar.astype(np.float32)[..., None], shear=0.2, flip=False)[..., 0]
    place = (found * np.arange(48)).sum(axis=2) / found.sum(axis=2)
    slant = (place[:, 47] - place[:, 0]) / 47
    assert np.abs(slant).max() < 0.205
    assert slant.std() > 0.05
    assert place[:, 23:25].mean(axis=1) == pytest.approx(23.5, abs=0.1)


def test_each_picture_is_changed_in_one_way_of_four() -> None:
    ramp = np.tile(np.arange(48, dtype=np.float32) * 5, (400, 48, 1))[..., None]
    found = changed(ramp, one_of=True, rotate_degrees=15, shift=0.1, erase=0.045, erase_least=0.022)
    different = (np.abs(found - ramp) > 0.5).reshape(400, -1)
    mirrored = same_or_mirrored(found, ramp)[:, 1]
    erased = ~mirrored & (different.sum(axis=1) <= 9)  # a square of one to three pixels
    columns = found.std(axis=1)[..., 0].max(axis=1)
    shifted = ~mirrored & ~erased & (columns < 0.5)  # all rows stay alike
    rotated = ~mirrored & ~erased & ~shifted
    for way in (mirrored, erased, shifted, rotated):
        assert 60 < way.sum() < 140


def test_none_of_the_ways_mirrors_without_flip() -> None:
    ramp = np.tile(np.arange(48, dtype=np.float32) * 5, (200, 48, 1))[..., None]
    found = changed(ramp, one_of=True, flip=False, rotate_degrees=15, shift=0.1, erase=0.045, erase_least=0.022)
    assert not same_or_mirrored(found, ramp)[:, 1].any()
    assert (np.abs(found - ramp).max(axis=(1, 2, 3)) > 0.5).mean() > 0.9


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scale", 0.1),
        ("grow", -0.1),
        ("gamma", 1.6),
        ("noise", 0.05),
        ("coarse_share", 0.5),
        ("erase_share", 0.3),
        ("side_light", 0.5),
        ("tone", 0.5),
        ("motion_share", 0.5),
        ("glasses_share", 0.2),
        ("hand_share", 0.2),
    ],
)
def test_what_takes_no_part_in_one_of_the_ways_is_refused(field: str, value: float) -> None:
    AugmentConfig(**NOTHING | {field: value})
    with pytest.raises(ValueError, match=f"{field}: {value:g} does nothing with one_of; write "):
        AugmentConfig(**NOTHING | {field: value, "one_of": True})
