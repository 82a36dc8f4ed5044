from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.bench.methods import FoundFace
from edge.bench.report import BoxCounts
from edge.geometry import Rect
from edge.wire.messages import UNCERTAIN
from tests.train.scripts import first, moved, run, say_all, true, unlit, whole_frames
from train.simulation.evaluation import run_methods
from train.simulation.figures import figures
from train.simulation.video import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from train.datasets import Faces
    from train.simulation import Person


class TestFigures:
    @pytest.mark.parametrize("at_once", [1, 4])
    def test_find_nothing_wrong_with_the_truth(self, mean_faces: Faces, at_once: int) -> None:
        sequence = unlit(mean_faces, 8, at_once)
        perfect = figures(run(sequence, truth=say_all), "truth")
        assert perfect.people == perfect.last_right.of == perfect.noticing.people == 8
        assert perfect.recall.part == perfect.last_right.part == perfect.noticing.soon.part == 1
        assert perfect.recall.of == sum(share.of for share in perfect.recall_by_size.values()) > 8 * 2 * FPS
        assert perfect.boxes == BoxCounts(frames=len(sequence), false=0, lingering=0, wrong_size=0, duplicate=0)
        assert perfect.switches == 0
        assert (perfect.noticing.median_s, perfect.noticing.most_s) == (0, 0)
        assert perfect.recall_of_naive is None

    @pytest.mark.parametrize(("across", "scale"), [(0.35, 1.0), (0.0, 1.7), (0.0, 1 / 1.7)])
    def test_count_no_box_beside_a_face_or_of_another_size(
        self, mean_faces: Faces, across: float, scale: float
    ) -> None:
        sequence = unlit(mean_faces, at_once=4)  # who stays at one place
        off = figures(run(sequence, off=lambda _, people: [moved(p, across, scale) for p in people]), "off")
        assert (off.recall.hits, off.last_right.of, off.noticing.soon.hits) == (0, 0, 0)
        assert off.noticing.median_s is None
        wrong, other = (off.boxes.per_1000(count) for count in (off.boxes.false, off.boxes.wrong_size))
        assert (wrong if across else other) > 500  # beside is false, of another size is told by itself
        assert (other if across else wrong) == 0

    @pytest.mark.parametrize(("across", "scale"), [(0.25, 1.0), (-0.25, 1.0), (0.0, 1.5), (0.0, 1 / 1.5)])
    def test_accept_a_box_that_trembles(self, mean_faces: Faces, across: float, scale: float) -> None:
        near = figures(run(unlit(mean_faces), near=lambda _, people: [moved(p, across, scale) for p in people]), "near")
        assert near.recall.part == 1
        assert near.boxes.false == 0

    def test_count_false_faces(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces, 0)
        clutter = FoundFace(Rect(100, 100, 80, 80), "happy")
        seen = figures(run(sequence, sees=lambda index, _: [clutter] * 2 if index % 5 == 0 else []), "sees")
        assert seen.boxes.per_1000(seen.boxes.false) == pytest.approx(400)
        assert (seen.recall.of, seen.recall.part, seen.noticing.people) == (0, None, 0)

    def test_do_not_call_a_box_where_somebody_just_was_false(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces, 1)
        last = whole_frames(sequence, 0)[-1]
        gone = next(i for i in range(last, len(sequence)) if not sequence.truth(i))
        box = FoundFace(sequence.truth(last)[0].box, "happy", 0)
        lingers = figures(run(sequence, it=lambda index, _: [box] * (index in range(gone, gone + 9))), "it")
        assert (lingers.boxes.lingering, lingers.boxes.frames) == (9, len(sequence))
        assert lingers.boxes.false == 0

    def test_count_how_long_a_new_face_waits(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces)
        comes = {number: whole_frames(sequence, number)[0] for number in range(4)}
        waits = {0: 0, 1: 3, 2: 15, 3: 10**6}  # frames

        def say(index: int, people: tuple[Person, ...]) -> list[FoundFace]:
            return [true(p) for p in people if index >= comes[p.number] + waits[p.number]]

        noticing = figures(run(sequence, slow=say), "slow").noticing
        assert noticing.people == 4
        assert noticing.median_s == pytest.approx(1.0)  # the upper one of two in the middle
        assert noticing.most_s is None
        assert (noticing.soon.hits, noticing.soon.of) == (2, 4)

    def test_ask_only_for_people_whom_naive_finds_at_once(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces)
        comes = whole_frames(sequence, 2)[0]

        def naive(index: int, people: tuple[Person, ...]) -> list[FoundFace]:
            return [true(p) for p in people if p.number != 2 or index > comes + FPS]

        def blind(index: int, people: tuple[Person, ...]) -> list[FoundFace]:
            return [true(p) for p in people if p.number != 3 or index % 2]

        both = run(sequence, naive=naive, blind=blind)
        of_naive = figures(both, "blind").recall_of_naive
        assert figures(both, "blind").noticing.people == 3
        assert of_naive is not None
        assert of_naive.of == figures(both, "naive").recall.hits < of_naive.of + FPS + 1
        missed = sum(index % 2 == 0 for index in whole_frames(sequence, 3))
        assert of_naive.of - of_naive.hits == missed

    def test_count_changes_of_id(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces)
        turn = whole_frames(sequence, 1)[10]

        def say(index: int, people: tuple[Person, ...]) -> list[FoundFace]:
            return [FoundFace(p.box, p.label, 9 if p.number == 1 and index >= turn else p.number) for p in people]

        assert figures(run(sequence, it=say), "it").switches == 1

    def test_have_no_changes_where_there_are_no_ids(self, mean_faces: Faces) -> None:
        said = run(unlit(mean_faces), it=lambda _, people: [FoundFace(p.box, p.label) for p in people])
        assert figures(said, "it").switches is None

    def test_notice_mixed_up_labels(self, mean_faces: Faces) -> None:
        labels = mean_faces.labels
        turned = dict(zip(labels, labels[1:] + labels[:1], strict=True))
        said = run(
            unlit(mean_faces, 8), it=lambda _, people: [FoundFace(p.box, turned[p.label], p.number) for p in people]
        )
        mixed = figures(said, "it")
        assert mixed.recall.part == 1
        assert (mixed.last_right.hits, mixed.last_right.of) == (0, 8)

    def test_take_the_last_emotion_and_no_uncertain_one(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces)
        ends = {number: whole_frames(sequence, number)[-1] for number in range(4)}

        def say(index: int, people: tuple[Person, ...]) -> list[FoundFace]:
            # 0 and 1 are right at the end alone, 2 and 3 until then
            wrong = {0: "other", 1: UNCERTAIN, 2: "other", 3: UNCERTAIN}
            return [
                FoundFace(p.box, p.label if (index >= ends[p.number]) == (p.number < 2) else wrong[p.number])
                for p in people
            ]

        said = figures(run(sequence, it=say), "it")
        assert said.last_right.hits == 2
        assert said.last_uncertain.hits == 1

    def test_read_perfect_crops_of_the_people_who_were_found(self, mean_faces: Faces) -> None:
        sequence = unlit(mean_faces, 8)
        labels = {p.number: p.label for i in range(len(sequence)) for p in sequence.truth(i)}
        found = [number for number, label in labels.items() if label in ("happy", "sad")]
        said = run(sequence, it=lambda _, people: [true(p) for p in people if p.number in found])
        crops = figures(said, "it")
        assert (crops.clean_right.hits, crops.clean_right.of) == (1, 2)  # all are read as happy
        assert (crops.noisy_right.hits, crops.noisy_right.of) == (1, 2)

    def test_cut_the_crops_where_the_faces_are(self, mean_faces: Faces) -> None:
        sequence = first(mean_faces)
        read: list[tuple[NDArray[np.uint8], Rect]] = []

        def reader(gray: NDArray[np.uint8], box: Rect) -> str:
            read.append((gray, box))
            return "happy"

        run_methods(sequence, {}, reader)
        assert len(read) == 2 * 4  # without a camera's faults, and with
        for number, (gray, box) in enumerate(read):
            (index,) = [i for i in whole_frames(sequence, number % 4) if sequence.truth(i)[0].box == box]
            np.testing.assert_array_equal(gray, sequence.clean(index) if number < 4 else sequence.frame(index))

    def test_time_the_processing_alone(self, mean_faces: Faces) -> None:
        def work(_index: int, _people: tuple[Person, ...]) -> list[FoundFace]:
            until_s = time.process_time() + 0.004
            while time.process_time() < until_s:
                pass
            return []

        sequence = first(mean_faces, people=1)
        both = run(sequence, works=work, idles=lambda *_: [])
        assert figures(both, "works").cpu_ms > 4
        assert figures(both, "idles").cpu_ms < 1  # drawing a frame takes longer
