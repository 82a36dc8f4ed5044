from __future__ import annotations

import time
from importlib.resources import files
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from pydantic import TypeAdapter

from edge.bench.truth import matches
from edge.crops import resized
from edge.events import UNCERTAIN
from edge.geometry import Rect
from edge.model import ModelBundle
from tests.train import synthetic
from train.__main__ import main
from train.datasets import Faces
from train.scenes import Person, Sequence, sequences
from train.scenes.figures import Figures, figures
from train.scenes.judge import Judged, judge
from train.scenes.lookers import Name, Reader, Seen, looker
from train.scenes.sequence import FPS, HEIGHT, WIDTH
from train.scenes.visits import LARGEST, SMALLEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def mean_faces() -> Faces:
    """Give the test card's faces, real enough for a cascade to find."""
    with np.load(str(files("edge") / "testcard" / "faces.npz")) as stored:
        labels = tuple(stored["labels"].tolist())
        return Faces(stored["faces"], np.eye(len(labels), dtype=np.float32), labels)


def first(faces: Faces, *, seed: int = 3, people: int = 4, at_once: int = 1) -> Sequence:
    return next(sequences(faces, 1, seed=seed, people=people, at_once=at_once))


class TestASequence:
    def test_of_the_same_seed_is_the_same_in_whatever_order_it_is_drawn(self, mean_faces: Faces) -> None:
        one, other = first(mean_faces), first(mean_faces)
        assert len(one) == len(other)
        indices = range(0, len(one), 29)
        forward = [one.frame(index) for index in indices]
        backward = [other.frame(index) for index in reversed(indices)][::-1]
        np.testing.assert_array_equal(forward, backward)
        assert [one.truth(index) for index in indices] == [other.truth(index) for index in indices]

    def test_of_another_seed_differs(self, mean_faces: Faces) -> None:
        one, other = first(mean_faces, seed=3), first(mean_faces, seed=4)
        assert np.abs(one.clean(0).astype(int) - other.clean(0)).mean() > 5
        assert [one.truth(index) for index in range(60)] != [other.truth(index) for index in range(60)]

    def test_is_a_camera_s_gray_picture_with_fresh_noise(self, mean_faces: Faces) -> None:
        sequence = first(mean_faces)
        still = [sequence.frame(index) for index in (0, 1)]  # nobody is there yet
        assert {frame.shape for frame in still} == {(HEIGHT, WIDTH)}
        assert {frame.dtype for frame in still} == {np.dtype(np.uint8)}
        noise = (still[1].astype(float) - still[0]).std() / np.sqrt(2)
        assert noise == pytest.approx(sequence.exposure.sigma, rel=0.1)

    def test_shows_each_person_for_seconds_and_nobody_between(self, mean_faces: Faces) -> None:
        sequence = first(mean_faces)
        truths = [sequence.truth(index) for index in range(len(sequence))]
        assert {len(truth) for truth in truths} == {0, 1}
        assert not truths[0]
        assert not truths[-1]
        seen = [truth[0].number for truth in truths if truth]
        assert seen == sorted(seen)
        for number in range(4):
            assert 2 * FPS < seen.count(number) < 8 * FPS

    @pytest.mark.parametrize("at_once", [1, 2, 3, 5, 8])
    def test_has_faces_of_the_declared_sizes_that_never_cover_each_other(self, mean_faces: Faces, at_once: int) -> None:
        most = 0
        for sequence in sequences(mean_faces, 3, people=8, at_once=at_once):
            for index in range(len(sequence)):
                people = sequence.truth(index)
                most = max(most, len(people))
                for person in people:
                    assert SMALLEST <= person.box.width <= LARGEST
                    assert person.box.height == person.box.width
                    assert person.whole or at_once == 1
                    assert not any(person.box.overlap(other.box) for other in people if other is not person)
        assert most == at_once

    def test_shows_the_face_where_the_truth_says(self, mean_faces: Faces) -> None:
        sequence = first(mean_faces)
        looked = 0
        for index in range(0, len(sequence), 15):
            for person in (p for p in sequence.truth(index) if p.whole):
                side = round(person.box.width)
                rim = side // 5  # where the face blends into the head
                face = resized(mean_faces.pixels[mean_faces.labels.index(person.label)], side, side)
                part = face[rim:-rim, rim:-rim]
                likeness = cv2.matchTemplate(sequence.clean(index), part, cv2.TM_CCOEFF_NORMED)
                _, _, _, (x, y) = cv2.minMaxLoc(likeness)
                assert (x - rim, y - rim) == pytest.approx((person.box.x, person.box.y), abs=1)
                looked += 1
        assert looked > 4

    def test_with_nobody_has_no_truth_but_moves(self, mean_faces: Faces) -> None:
        sequence = first(mean_faces, people=0)
        assert not any(sequence.truth(index) for index in range(len(sequence)))
        assert np.abs(sequence.clean(20).astype(int) - sequence.clean(0)).mean() > 0.5


def test_sequences_show_everybody_before_anybody_comes_again(mean_faces: Faces) -> None:
    shown = [
        {person.label for index in range(len(sequence)) for person in sequence.truth(index)}
        for sequence in sequences(mean_faces, 2, people=4)
    ]
    assert shown[0] | shown[1] == set(mean_faces.labels)


class Unlit(Sequence):
    """Shows nothing, which is fast and enough for those who know the truth."""

    def frame(self, index: int) -> NDArray[np.uint8]:
        return np.full((HEIGHT, WIDTH), index % 256, np.uint8)


def unlit(faces: Faces, people: int = 4, at_once: int = 1) -> Sequence:
    return Unlit(faces.select(slice(people)), (3,), at_once=at_once)


class Scripted:
    """Says of each frame what a function makes of its truth."""

    def __init__(self, sequence: Sequence, say: Callable[[int, tuple[Person, ...]], list[Seen]]) -> None:
        self._sequence, self._say = sequence, say

    def look(self, gray: NDArray[np.uint8], time_s: float) -> list[Seen]:
        assert gray.shape == (HEIGHT, WIDTH)
        index = round(time_s * FPS)
        return self._say(index, self._sequence.truth(index))


def true(person: Person) -> Seen:
    return Seen(person.box, person.label, person.number)


def moved(person: Person, across: float, scale: float = 1.0) -> Seen:
    """Shift by parts of the width, and scale about the centre."""
    box = person.box.grown((scale - 1) / 2)
    return Seen(Rect(box.x + across * person.box.width, box.y, box.width, box.height), person.label, person.number)


def say_all(_index: int, people: tuple[Person, ...]) -> list[Seen]:
    return [true(person) for person in people]


def judged(sequence: Sequence, **lookers: Callable[[int, tuple[Person, ...]], list[Seen]]) -> list[Judged]:
    """Let scripts watch; perfect crops are read as happy."""
    scripted = {name: Scripted(sequence, say) for name, say in lookers.items()}
    return [judge(sequence, scripted, lambda _gray, _box: "happy")]


def whole_frames(sequence: Sequence, number: int) -> list[int]:
    return [i for i in range(len(sequence)) for p in sequence.truth(i) if p.number == number and p.whole]


class TestTheJudge:
    @pytest.mark.parametrize("at_once", [1, 4])
    def test_finds_nothing_wrong_with_the_truth(self, mean_faces: Faces, at_once: int) -> None:
        sequence = unlit(mean_faces, 8, at_once)
        perfect = figures(judged(sequence, truth=say_all), "truth")
        assert perfect.people == perfect.last_right.of == perfect.noticing.people == 8
        assert perfect.recall.part == perfect.last_right.part == perfect.noticing.soon.part == 1
        assert perfect.recall.of == sum(share.of for share in perfect.recall_by_size.values()) > 8 * 2 * FPS
        assert (perfect.false_per_1000, perfect.ill_sized_per_1000, perfect.lingering_per_1000) == (0, 0, 0)
        assert perfect.switches == 0
        assert (perfect.noticing.median_s, perfect.noticing.most_s) == (0, 0)
        assert perfect.recall_of_naive is None

    @pytest.mark.parametrize(("across", "scale"), [(0.35, 1.0), (0.0, 1.7), (0.0, 1 / 1.7)])
    def test_takes_no_box_beside_a_face_or_of_another_size(
        self, mean_faces: Faces, across: float, scale: float
    ) -> None:
        sequence = unlit(mean_faces, at_once=4)  # who stays at one place
        off = figures(judged(sequence, off=lambda _, people: [moved(p, across, scale) for p in people]), "off")
        assert (off.recall.hits, off.last_right.of, off.noticing.soon.hits) == (0, 0, 0)
        assert off.noticing.median_s is None
        wrong, other = off.false_per_1000, off.ill_sized_per_1000
        assert (wrong if across else other) > 500  # beside is false, of another size is told by itself
        assert (other if across else wrong) == 0

    @pytest.mark.parametrize(("across", "scale"), [(0.25, 1.0), (-0.25, 1.0), (0.0, 1.5), (0.0, 1 / 1.5)])
    def test_takes_a_box_that_trembles(self, mean_faces: Faces, across: float, scale: float) -> None:
        near = figures(
            judged(unlit(mean_faces), near=lambda _, people: [moved(p, across, scale) for p in people]), "near"
        )
        assert near.recall.part == 1
        assert near.false_per_1000 == 0

    def test_counts_false_faces(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces, 0)
        clutter = Seen(Rect(100, 100, 80, 80), "happy")
        seen = figures(judged(sequence, sees=lambda index, _: [clutter] * 2 if index % 5 == 0 else []), "sees")
        assert seen.false_per_1000 == pytest.approx(400)
        assert (seen.recall.of, seen.recall.part, seen.noticing.people) == (0, None, 0)

    def test_does_not_call_a_box_where_somebody_just_was_false(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces, 1)
        last = whole_frames(sequence, 0)[-1]
        gone = next(i for i in range(last, len(sequence)) if not sequence.truth(i))
        box = Seen(sequence.truth(last)[0].box, "happy", 0)
        lingers = figures(judged(sequence, it=lambda index, _: [box] * (index in range(gone, gone + 9))), "it")
        assert lingers.lingering_per_1000 == pytest.approx(9000 / len(sequence))
        assert lingers.false_per_1000 == 0

    def test_counts_how_long_a_new_face_waits(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces)
        comes = {number: whole_frames(sequence, number)[0] for number in range(4)}
        waits = {0: 0, 1: 3, 2: 15, 3: 10**6}  # frames

        def say(index: int, people: tuple[Person, ...]) -> list[Seen]:
            return [true(p) for p in people if index >= comes[p.number] + waits[p.number]]

        noticing = figures(judged(sequence, slow=say), "slow").noticing
        assert noticing.people == 4
        assert noticing.median_s == pytest.approx(1.0)  # the upper one of two in the middle
        assert noticing.most_s is None
        assert (noticing.soon.hits, noticing.soon.of) == (2, 4)

    def test_asks_only_for_whom_the_naive_one_sees_at_once(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces)
        comes = whole_frames(sequence, 2)[0]

        def naive(index: int, people: tuple[Person, ...]) -> list[Seen]:
            return [true(p) for p in people if p.number != 2 or index > comes + FPS]

        def blind(index: int, people: tuple[Person, ...]) -> list[Seen]:
            return [true(p) for p in people if p.number != 3 or index % 2]

        both = judged(sequence, naive=naive, blind=blind)
        of_naive = figures(both, "blind").recall_of_naive
        assert figures(both, "blind").noticing.people == 3
        assert of_naive is not None
        assert of_naive.of == figures(both, "naive").recall.hits < of_naive.of + FPS + 1
        missed = sum(index % 2 == 0 for index in whole_frames(sequence, 3))
        assert of_naive.of - of_naive.hits == missed

    def test_counts_changes_of_id(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces)
        turn = whole_frames(sequence, 1)[10]

        def say(index: int, people: tuple[Person, ...]) -> list[Seen]:
            return [Seen(p.box, p.label, 9 if p.number == 1 and index >= turn else p.number) for p in people]

        assert figures(judged(sequence, it=say), "it").switches == 1

    def test_gives_no_changes_where_there_are_no_ids(self, mean_faces: Faces) -> None:
        said = judged(unlit(mean_faces), it=lambda _, people: [Seen(p.box, p.label) for p in people])
        assert figures(said, "it").switches is None

    def test_notices_mixed_up_labels(self, mean_faces: Faces) -> None:
        labels = mean_faces.labels
        turned = dict(zip(labels, labels[1:] + labels[:1], strict=True))
        said = judged(
            unlit(mean_faces, 8), it=lambda _, people: [Seen(p.box, turned[p.label], p.number) for p in people]
        )
        mixed = figures(said, "it")
        assert mixed.recall.part == 1
        assert (mixed.last_right.hits, mixed.last_right.of) == (0, 8)

    def test_takes_the_last_emotion_and_no_uncertain_one(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces)
        ends = {number: whole_frames(sequence, number)[-1] for number in range(4)}

        def say(index: int, people: tuple[Person, ...]) -> list[Seen]:
            # 0 and 1 are right at the end alone, 2 and 3 until then
            wrong = {0: "other", 1: UNCERTAIN, 2: "other", 3: UNCERTAIN}
            return [
                Seen(p.box, p.label if (index >= ends[p.number]) == (p.number < 2) else wrong[p.number]) for p in people
            ]

        said = figures(judged(sequence, it=say), "it")
        assert said.last_right.hits == 2
        assert said.last_uncertain.hits == 1

    def test_reads_perfect_crops_of_the_people_who_were_found(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces, 8)
        labels = {p.number: p.label for i in range(len(sequence)) for p in sequence.truth(i)}
        found = [number for number, label in labels.items() if label in ("happy", "sad")]
        said = judged(sequence, it=lambda _, people: [true(p) for p in people if p.number in found])
        crops = figures(said, "it")
        assert (crops.clean_right.hits, crops.clean_right.of) == (1, 2)  # all are read as happy
        assert (crops.noisy_right.hits, crops.noisy_right.of) == (1, 2)

    def test_cuts_the_crops_where_the_faces_are(self, mean_faces: Faces) -> None:
        sequence = first(mean_faces)
        read: list[tuple[NDArray[np.uint8], Rect]] = []

        def reader(gray: NDArray[np.uint8], box: Rect) -> str:
            read.append((gray, box))
            return "happy"

        judge(sequence, {}, reader)
        assert len(read) == 2 * 4  # without a camera's faults, and with
        for number, (gray, box) in enumerate(read):
            (index,) = [i for i in whole_frames(sequence, number % 4) if sequence.truth(i)[0].box == box]
            np.testing.assert_array_equal(gray, sequence.clean(index) if number < 4 else sequence.frame(index))

    def test_times_the_looking_alone(self, mean_faces: Faces) -> None:
        def work(_index: int, _people: tuple[Person, ...]) -> list[Seen]:
            until_s = time.process_time() + 0.004
            while time.process_time() < until_s:
                pass
            return []

        sequence = first(mean_faces, people=1)
        both = judged(sequence, works=work, idles=lambda *_: [])
        assert figures(both, "works").cpu_ms > 4
        assert figures(both, "idles").cpu_ms < 1  # drawing a frame takes longer


class TestTheLookers:
    @pytest.mark.parametrize("name", list(Name))
    def test_find_a_face_and_read_it(self, mean_faces: Faces, name: Name) -> None:
        sequence = first(mean_faces)
        someone = looker(name, ModelBundle.load(), 72)
        middle = whole_frames(sequence, 1)[20:25]
        looks = [someone.look(sequence.frame(index), index / FPS) for index in middle]
        (seen,) = looks[-1]
        (person,) = sequence.truth(middle[-1])
        assert matches(person.box, seen.box)
        assert seen.emotion in (*mean_faces.labels, UNCERTAIN)
        assert seen.id == (1 if name is Name.OURS else None)

    def test_of_no_confidence_is_uncertain(self, mean_faces: Faces) -> None:
        bundle = ModelBundle.load()
        sequence = first(mean_faces)
        index = whole_frames(sequence, 0)[20]
        (person,) = sequence.truth(index)
        frame = sequence.frame(index)
        assert Reader(bundle, 0).read(frame, person.box) in bundle.labels
        assert Reader(bundle, 1).read(frame, person.box) == UNCERTAIN


def test_the_command_prints_a_table_and_writes_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.__main__.ROUNDS", 1)
    data = synthetic.data_set(tmp_path / "set").data
    file = tmp_path / "figures.json"
    options = ["--sequences", "1", "--only", "ours", "--only", "tuned", "--json", str(file)]
    assert synthetic.call(main, ["scenes", *data, *options]) == 0
    printed = capsys.readouterr().out
    assert "false faces in 1,000 frames" in printed
    assert "1 sequences" in printed
    every = TypeAdapter(list[Figures]).validate_json(file.read_bytes())
    assert [one.name for one in every] == ["ours", "tuned"]
    assert every[0].people == 1


def test_a_model_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert synthetic.call(main, ["scenes", "--model", "nowhere.tflite"]) == 2
    assert "nowhere" in capsys.readouterr().err
