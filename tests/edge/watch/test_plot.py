from __future__ import annotations

import io
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib.image import imread

from edge.palette import colour
from edge.watch.plot import draw, lanes
from edge.watch.record import Recorder
from edge.watch.timeline import Gap, Timeline
from tests.payloads import NOW, ago, event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from tests.conftest import Outcome

    Run = Callable[..., Outcome]

PNG = b"\x89PNG\r\n\x1a\n"


def timeline() -> Timeline:
    result = Timeline()
    result.event(event(0, "neutral", type="appeared", at=ago(60), face=1))
    result.event(event(1, "sad", type="appeared", at=ago(50), face=2))
    result.event(event(2, "neutral", type="gone", at=ago(30), face=1))
    result.event(event(3, "happy", type="appeared", at=ago(20), face=3))
    return result


def share(picture: npt.NDArray[np.float32], emotion: str) -> float:
    """Which part of the picture has an emotion's colour."""
    wanted = np.array([int(colour(emotion)[i : i + 2], 16) for i in (1, 3, 5)])
    return float((np.abs(picture[..., :3] * 255 - wanted).max(axis=2) < 2).mean())


def test_faces_at_the_same_time_have_different_lanes() -> None:
    assert [[track.face for track in lane] for lane in lanes(timeline())] == [[1, 3], [2]]


def test_the_picture_shows_each_emotion_as_long_as_it_lasted() -> None:
    picture = imread(io.BytesIO(draw({"kitchen": timeline()}, NOW, None)), format="png")
    neutral, sad, happy, angry = (share(picture, each) for each in ("neutral", "sad", "happy", "angry"))
    assert sad > neutral > happy > 0.01  # 50, 30 and 20 s
    assert angry == 0


@pytest.mark.parametrize("name", ["[red]", "$x_{$", "a" * 64, "müsli", "tab\there", "%s {0}"])
def test_any_name_can_be_drawn(name: str) -> None:
    line = timeline()
    line.event(event(4, name, at=ago(10), face=3))
    assert draw({name: line}, NOW, None).startswith(PNG)


def test_absences_and_losses_are_drawn() -> None:
    line = timeline()
    plain = draw({"kitchen": line}, NOW, None)
    line.begin_gap(Gap.OFFLINE, ago(10))
    offline = draw({"kitchen": line}, NOW, None)
    line.event(event(9, "happy", at=ago(5)), lost=3)
    assert len({plain, offline, draw({"kitchen": line}, NOW, None)}) == 3


def test_many_devices_and_days_are_drawn() -> None:
    line = timeline()
    line.event(event(4, "sad", at=NOW + timedelta(days=3), face=3))
    assert draw({f"room-{index}": line for index in range(120)}, NOW + timedelta(days=3), None).startswith(PNG)


def record(tmp_path: Path) -> Path:
    path = tmp_path / "events.csv"
    with Recorder(path) as recorder:
        recorder.write(event(0, "neutral", type="appeared", at=ago(60)))
        recorder.write(event(0, "happy", type="appeared", at=ago(30), device="hall"))
        recorder.write(event(2, "sad", at=ago(20)))
        recorder.write(event(1, "happy", type="gone", device="hall"))
    return path


def test_a_record_is_plotted_without_a_broker(emotion_edge: Run, tmp_path: Path) -> None:
    both, one = tmp_path / "both.png", tmp_path / "one.png"
    assert emotion_edge("watch", "--from", record(tmp_path), "--plot", both).code == 0
    assert emotion_edge("watch", "--from", record(tmp_path), "--plot", one, "--device", "hall").code == 0
    pictures = [imread(path) for path in (both, one)]
    assert [share(picture, "sad") > 0 for picture in pictures] == [True, False]
    assert [share(picture, "happy") > 0 for picture in pictures] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--plot", "out.jpg"], "out.jpg: the picture is a PNG"),
        (["--plot", "absent/out.png"], "there is no folder"),
        (["--from", "events.csv"], "--from FILE.csv goes with --plot"),
        (["--from", "events.csv", "--plot", "out.png", "--json"], "--from FILE.csv goes with --plot"),
        (["--from", "absent.csv", "--plot", "out.png"], "absent.csv: cannot be read: No such file"),
        (["--from", "events.csv", "--plot", "out.png", "--device", "attic"], "nothing to plot"),
        (["--record", ".", "--broker", "mqtt://127.0.0.1:1"], "is no file"),
    ],
)
def test_what_cannot_be_done_ends_with_2(
    emotion_edge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    record(tmp_path)
    outcome = emotion_edge("watch", *arguments)
    assert (outcome.code, said in outcome.err, "Traceback" in outcome.err) == (2, True, False), outcome.err


def test_without_matplotlib_the_command_that_installs_it_is_said(
    emotion_edge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "edge.watch.plot")
    monkeypatch.delattr("edge.watch.plot", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    outcome = emotion_edge("watch", "--plot", tmp_path / "out.png", "--broker", "mqtt://127.0.0.1:1")
    assert outcome.code == 2
    assert "--plot needs matplotlib" in outcome.err
    assert "-m pip install 'matplotlib>=3.9'" in outcome.err
