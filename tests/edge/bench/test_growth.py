from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge import config
from edge.bench import people
from edge.bench.growth import measure_growth
from edge.errors import ConfigError
from edge.inference.bundle import ModelBundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.bench import BenchReport
    from tests.conftest import Outcome

    Run = Callable[..., Outcome]


def test_everybody_is_followed_and_costs_are_told_beside_those_of_one(bench_report: BenchReport) -> None:
    one, two = bench_report.growth
    assert (one.people, two.people) == (1, 2)
    assert one.frames == two.frames >= 1
    assert (one.faces_per_frame, two.faces_per_frame) == pytest.approx((1, 2), abs=0.1)
    assert (one.ratio.cpu, one.ratio.wall) == (1, 1)
    assert two.ratio.cpu == pytest.approx(two.cpu_ms_per_frame / one.cpu_ms_per_frame, abs=1e-4)
    assert two.ratio.wall == pytest.approx(two.wall_ms_per_frame / one.wall_ms_per_frame, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "counts"),
    [("1", (1,)), ("4", (1, 4)), ("1..3", (1, 2, 3)), ("7..8", (1, 7, 8)), ("0", (0, 1)), ("0..2", (0, 1, 2))],
)
def test_one_person_is_always_measured_too(text: str, counts: tuple[int, ...]) -> None:
    assert people(text, config.load(None, {}, {"camera.source": "testcard"})) == counts


def test_nobody_can_be_there_too() -> None:
    settings = config.load(None, {}, {"camera.source": "testcard"})
    nobody, one = measure_growth(settings, ModelBundle.load(), (0, 1), 1.0)
    assert (nobody.people, nobody.faces_per_frame) == (0, 0)
    assert one.ratio.cpu == 1
    assert nobody.ratio.cpu is not None


@pytest.mark.parametrize("text", ["", "9", "3..2", "1..", "1..9", "-1", "two", "1.5", "٣"])
def test_what_is_no_number_of_people_ends_with_2(emotion_edge: Run, text: str) -> None:
    outcome = emotion_edge("bench", f"--faces={text}")
    assert (outcome.code, "Traceback" in outcome.err) == (2, False)
    assert f"--faces: {text!r}: write a number of people" in outcome.err
    assert "from 0 to 8" in outcome.err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"camera.width": 320}, "from 0 to 4, for which 320x480 pixels have room"),
        ({"faces.max_faces": 3}, "from 0 to 3"),
        ({"camera.width": 64}, "from 0 to 0"),
        ({"faces.min_height": 100}, "faces of 86 pixels, but faces.min_height is 100"),
    ],
)
def test_settings_bound_how_many(flags: dict[str, int], said: str) -> None:
    settings = config.load(None, {}, {"camera.source": "testcard", **flags})
    with pytest.raises(ConfigError, match=said):
        people("5", settings)


def test_people_are_shown_by_the_test_card_alone(emotion_edge: Run, video: Path) -> None:
    outcome = emotion_edge("bench", "--camera", video, "--faces", "2")
    assert outcome.code == 2
    assert f"leave --camera {video} out" in outcome.err
