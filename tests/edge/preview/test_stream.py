"""What a viewer gets: the newest frame, boxes that belong to it, and each second how all is."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.frame import Frame
from edge.geometry import Rect
from edge.pipeline import Appeared, Changed, Gone
from edge.preview import encoded_frame
from edge.preview.feed import MOST_VIEWERS
from edge.preview.status import CameraView, ModelView
from tests.broker import wait_until
from tests.edge.preview.conftest import snapshot
from tests.edge.preview.viewer import Viewer, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tests.edge.preview.conftest import Window


def showing(window: Window, over: threading.Event) -> threading.Thread:
    """Show frames until it is over, as fast as they go."""

    def run() -> None:
        while not over.is_set():
            window.show()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def looking(window: Window) -> int:
    return window.preview._feed.viewers  # noqa: SLF001  # nobody outside asks


def test_a_frame_comes_with_the_faces_in_it(window: Window) -> None:
    gray = np.full((480, 640), 90, np.uint8)
    with Viewer(window.port) as viewer:
        viewer.next("status")
        window.show(gray, Rect(10.04, 20, 100, 110))
        message, picture = viewer.next("frame")
    assert (message["width"], message["height"]) == (640, 480)
    assert message["faces"] == [
        {
            "id": 1,
            "box": [10.0, 20, 100, 110],
            "emotion": "happy",
            "confidence": 0.9,
            "probabilities": {"angry": 0.1, "happy": 0.9},
        }
    ]
    seen = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED)
    assert seen is not None
    assert seen.shape == (480, 640)
    assert abs(float(seen.mean()) - 90) < 2


def test_a_lost_face_has_no_box() -> None:
    one = encoded_frame.EncodedFrame(1, np.zeros((48, 64), np.uint8), snapshot(Rect(1, 1, 9, 9), visible=False))
    assert b'"faces":[]' in one.record()


def test_a_large_frame_is_shrunk_and_its_boxes_are_not(window: Window) -> None:
    with Viewer(window.port) as viewer:
        viewer.next("status")
        window.show(np.zeros((1080, 1920), np.uint8), Rect(1000, 500, 300, 300))
        message, picture = viewer.next("frame")
    seen = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED)
    assert seen is not None
    assert seen.shape == (360, 640)
    assert (message["width"], message["height"], message["faces"][0]["box"]) == (1920, 1080, [1000, 500, 300, 300])


@pytest.mark.parametrize("shape", [(1, 2000), (2000, 1)])
def test_a_frame_that_would_shrink_to_nothing_is_shown(shape: tuple[int, int]) -> None:
    one = encoded_frame.EncodedFrame(1, np.zeros(shape, np.uint8), snapshot(Rect(0, 0, 1, 1), visible=False))
    assert b"\xff\xd8" in one.record()


def test_nothing_is_encoded_or_kept_while_nobody_looks(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_frame, "_jpeg", lambda _: pytest.fail("a frame was encoded"))
    frame = Frame(np.zeros((48, 64), np.uint8), datetime.now(UTC), 0.0, 0)
    window.preview.show(frame, lambda: pytest.fail("who is there was asked"), None)
    assert window.preview._feed.newest() is None  # noqa: SLF001
    assert not window.preview.clock.running


def test_two_viewers_get_one_encoding(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    encode = encoded_frame._jpeg  # noqa: SLF001  # counted

    def counted(gray: NDArray[np.uint8]) -> bytes:
        encoded.append(1)
        return encode(gray)

    monkeypatch.setattr(encoded_frame, "_jpeg", counted)
    with Viewer(window.port) as one, Viewer(window.port) as other:
        one.next("status")
        other.next("status")
        assert window.preview.clock.running
        window.show()
        assert one.next("frame") == other.next("frame")
    assert len(encoded) == 1


def test_a_viewer_who_does_not_read_holds_up_nobody(window: Window) -> None:
    over = threading.Event()
    with Viewer(window.port) as asleep, Viewer(window.port) as awake:
        asleep.next("status")
        thread = showing(window, over)
        shown = []
        for _ in range(20):
            awake.next("frame")
            shown.append(window.sequence)
        over.set()
        thread.join()
        # Far more than the buffers between both hold, so the one who sleeps has got a part of it.
        assert window.sequence > shown[0]
        assert shown[-1] > shown[0]


def test_a_slow_viewer_skips_frames_and_sees_new_ones(window: Window) -> None:
    with Viewer(window.port) as viewer:
        viewer.next("status")
        for level in range(200):
            window.show(np.full((480, 640), level, np.uint8))
        levels: list[float] = []
        while not levels or levels[-1] < 198:
            seen = cv2.imdecode(np.frombuffer(viewer.next("frame")[1], np.uint8), cv2.IMREAD_UNCHANGED)
            assert seen is not None
            levels.append(float(seen.mean()))
    assert len(levels) < 100
    assert levels == sorted(levels)


def test_a_viewer_too_slow_for_a_record_is_let_go(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.preview.handler._SLOW_S", 0.3)
    over = threading.Event()
    with Viewer(window.port) as viewer:
        viewer.next("status")
        thread = showing(window, over)
        wait_until(lambda: looking(window) == 0)
        over.set()
        thread.join()


def test_a_closed_tab_is_noticed_though_no_frame_comes(window: Window) -> None:
    viewer = Viewer(window.port)
    viewer.next("status")
    assert looking(window) == 1
    viewer.close()
    wait_until(lambda: looking(window) == 0)
    assert not window.preview.clock.running


def test_who_comes_when_all_places_are_taken_is_told_so(window: Window) -> None:
    viewers = [Viewer(window.port) for _ in range(MOST_VIEWERS)]
    for viewer in viewers:
        viewer.next("status")
    status, _, content = ask(window.port, "/stream")
    assert (status, content) == (503, b"4 are looking already. Close one of their pages, and try again.\n")
    assert ask(window.port, "/")[0] == 200
    for viewer in viewers:
        viewer.close()
    wait_until(lambda: looking(window) == 0)
    with Viewer(window.port) as viewer:
        assert viewer.next("status")


def test_the_status_says_how_all_is(window: Window) -> None:
    at = datetime.now(UTC), (640, 480)
    place = Rect(1, 2, 30, 30)
    window.preview.note([Appeared(*at, 7, place, "happy", 0.9, {})])
    window.preview.note([Changed(*at, 7, place, "angry", 0.8, {}, "happy", 0.1)])
    window.preview.note([Gone(*at, 7, place, "angry", 0.8, 3.0)])
    window.preview.set_model(ModelView("mine 2.0", ("calm",), 40))
    with Viewer(window.port) as viewer:
        viewer.next("status")
        with window.preview.clock.timed("track"), window.preview.clock.timed("detect"):
            pass
        window.show()
        viewer.next("frame")
        message, picture = viewer.next("status")
    assert picture == b""
    assert (message["device"], message["model"], message["labels"]) == ("kitchen", "mine 2.0", ["calm"])
    assert message["min_height"] == 40
    assert message["camera"] | {"per_second": 0} == {
        "name": "webcam",
        "status": "online",
        "reason": None,
        "synthetic": False,
        "per_second": 0,
    }
    assert 590 < message["closes_in_s"] <= 600
    assert [(face, emotion) for face, emotion, _, _ in message["timeline"]] == [(7, "happy"), (7, "angry")]
    assert all(began >= ended >= 0 for _, _, began, ended in message["timeline"])
    assert message["colours"].keys() == {"calm", "uncertain", "happy", "angry"}
    stages = {stage["name"]: stage for stage in message["stages"]}
    assert stages.keys() == {"waiting", "detect", "track"}
    assert stages["waiting"]["p50"] == 1.5


@pytest.mark.parametrize("status", ["off", "stalled", "offline"])
def test_a_camera_that_is_not_online_shows_nothing_old(window: Window, status: str) -> None:
    with Viewer(window.port) as viewer:
        viewer.next("status")
        window.show()
        viewer.next("frame")
        window.preview.set_camera(CameraView("webcam", status, "because"))
        assert window.preview._feed.newest() is None  # noqa: SLF001
        while (message := viewer.next("status")[0])["camera"]["status"] != status:
            pass
        assert message["camera"]["reason"] == "because"
        assert message["hints"] == []


def is_refused(port: int) -> bool:
    try:
        ask(port)
    except ConnectionError as error:
        return isinstance(error, ConnectionRefusedError)
    return False


@pytest.mark.parametrize("config", [{}, {"minutes": 0.02}])
def test_a_preview_that_closes_says_why(open_window: Callable[..., Window], config: dict[str, float]) -> None:
    window = open_window(**config)
    port = window.port
    with Viewer(port) as viewer:
        viewer.next("status")
        if not config:
            window.preview.close()
        message, _ = viewer.next("over")
        assert list(viewer.records()) == []
    assert message["why"] == ("time" if config else "stopped")
    wait_until(lambda: window.preview.opened is None)
    wait_until(lambda: is_refused(port))  # the port closes a moment later
    window.show()
    assert window.preview._feed.newest() is None  # noqa: SLF001
