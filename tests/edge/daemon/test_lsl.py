"""The Lab Streaming Layer: what a recorder finds on the network, hears, and at which times."""

from __future__ import annotations

import math
import os
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.config import CameraConfig, LslConfig, MqttConfig, Settings
from edge.daemon.lsl import STREAM_TYPE, LslOutlet, Slots, load_pylsl
from edge.errors import ConfigError
from edge.frame import Frame
from edge.geometry import Rect
from edge.mqtt.client_id import object_id
from edge.pipeline import PresentFace, Snapshot
from tests.broker import wait_until
from tests.in_process import daemon
from tests.payloads import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAY = np.zeros((48, 64), np.uint8)
LABELS = ("happy", "sad")


@pytest.fixture(scope="module")
def pylsl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return the library, which looks for streams on this machine alone, and for none of another run of the tests."""
    file = tmp_path_factory.mktemp("lsl") / "lsl_api.cfg"
    session = f"emotion-edge-tests-{os.getpid()}"
    file.write_text(f"[multicast]\nResolveScope = machine\n[lab]\nSessionID = {session}\n[log]\nlevel = -2\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSLAPICFG", str(file))
        try:
            yield load_pylsl()
        except ConfigError as error:
            pytest.skip(str(error))


def face(number: int, happy: float = 0.75, *, visible: bool = True) -> PresentFace:
    return PresentFace(
        number, Rect(0, 0, 9, 9), "happy", happy, NOW, {"happy": happy, "sad": 1 - happy}, visible=visible
    )


class Stream:
    """An outlet, and a recorder that listens to it."""

    def __init__(self, pylsl: Any, source_id: str, slots: int = 2, *, live: bool = True) -> None:
        self._pylsl, self._source_id, self._live = pylsl, source_id, live
        self.outlet = LslOutlet(LslConfig(enabled=True, slots=slots), "kitchen", source_id, LABELS)

    def send(self, *faces: PresentFace, time_s: float, synthetic: bool = False) -> None:
        at = NOW + timedelta(seconds=time_s)
        snapshot = Snapshot(at, (64, 48), faces)
        self.outlet.show(Frame(GRAY, at, time_s, 0), lambda: snapshot, live=self._live, synthetic=synthetic)

    def listen(self) -> Any:
        (found,) = self._pylsl.resolve_byprop("source_id", self._source_id, 1, 30)
        inlet = self._pylsl.StreamInlet(found, processing_flags=0)
        inlet.open_stream(30)
        return inlet


def test_a_face_keeps_its_place_until_it_is_gone() -> None:
    slots = Slots(2)

    def places(*numbers: int) -> list[int | None]:
        return [each.face_id if each else None for each in slots.place([face(number) for number in numbers])]

    assert places() == [None, None]
    assert places(7) == [7, None]
    assert places(3, 7) == [7, 3]  # the largest first, as in `state`
    assert places(9, 3) == [9, 3]
    assert places(1, 9, 3) == [9, 3]
    assert places(1, 3) == [1, 3]
    assert places(3) == [None, 3]


def test_a_recorder_hears_each_frame_with_its_time_of_capture(pylsl: Any) -> None:
    stream = Stream(pylsl, "emotion-edge-test-1")
    captured_s = time.monotonic()
    stream.send(time_s=captured_s)  # nobody listens yet
    inlet = stream.listen()
    wait_until(stream.outlet._stream.have_consumers)  # noqa: SLF001  # nothing else shows it
    for number, faces in enumerate(((), (face(4),), (face(4, 0.25), face(5)), (face(4, visible=False), face(5)))):
        stream.send(*faces, time_s=captured_s + 1 + number / 16)
    heard = [inlet.pull_sample(30) for _ in range(4)]
    # A wall clock is not in it: LSL's clock is the machine's monotonic one, from which it differs by microseconds.
    assert [at for _, at in heard] == pytest.approx([captured_s + 1 + number / 16 for number in range(4)], abs=0.005)
    for sample, expected in zip(
        [sample for sample, _ in heard],
        [
            [math.nan] * 6,
            [4, 0.75, 0.25, *[math.nan] * 3],
            [4, 0.25, 0.75, 5, 0.75, 0.25],
            [*[math.nan] * 3, 5, 0.75, 0.25],
        ],
        strict=True,
    ):
        assert sample == pytest.approx(expected, nan_ok=True)


def test_the_stream_says_what_it_is(pylsl: Any) -> None:
    stream = Stream(pylsl, "emotion-edge-test-2")
    stream.send(time_s=time.monotonic(), synthetic=True)
    info = stream.listen().info(30)
    assert (info.name(), info.type(), info.nominal_srate()) == ("emotion-edge kitchen", STREAM_TYPE, 0)
    channel, labels = info.desc().child("channels").child("channel"), []
    while not channel.empty():
        labels.append(channel.child_value("label"))
        channel = channel.next_sibling()
    assert labels == ["slot1 id", "slot1 happy", "slot1 sad", "slot2 id", "slot2 happy", "slot2 sad"]
    assert info.channel_count() == len(labels)
    assert info.desc().child_value("synthetic") == "true"


def test_a_clip_s_time_begins_with_its_first_frame_and_another_model_has_other_channels(pylsl: Any) -> None:
    stream = Stream(pylsl, "emotion-edge-test-3", slots=1, live=False)
    began_s = time.monotonic()
    stream.send(time_s=3.0)
    inlet = stream.listen()
    wait_until(stream.outlet._stream.have_consumers)  # noqa: SLF001  # nothing else shows it
    stream.send(time_s=3.5)
    _, first = inlet.pull_sample(30)
    stream.send(time_s=10.0)
    _, second = inlet.pull_sample(30)
    assert second - first == pytest.approx(6.5, abs=1e-3)
    assert began_s <= first - 0.5 <= time.monotonic()
    stream.outlet.set_labels(LABELS)
    assert stream.outlet._stream is not None  # noqa: SLF001  # the same emotions: the stream stays
    stream.outlet.set_labels(("bored",))
    stream.send(time_s=11.0)
    wait_until(lambda: stream.listen().info(30).channel_count() == 2)


def test_a_daemon_streams_its_frames(pylsl: Any) -> None:
    mqtt = MqttConfig(url="none", device="lsl-test")
    lsl = LslConfig(enabled=True, slots=1)
    began_s = time.monotonic()
    with daemon(Settings(camera=CameraConfig(source="testcard"), mqtt=mqtt, lsl=lsl)):
        (found,) = pylsl.resolve_byprop("source_id", object_id("emotion-edge/lsl-test"), 1, 30)
        inlet = pylsl.StreamInlet(found, processing_flags=0)
        samples = [inlet.pull_sample(30) for _ in range(3)]
        now_s = time.monotonic()
    assert all(len(sample) == 1 + 8 for sample, _ in samples)
    assert all(began_s < at < now_s + 0.001 for _, at in samples)


def test_without_the_library_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pylsl", None)
    with pytest.raises(ConfigError, match=r"lsl\.enabled needs pylsl and liblsl .*; docs/lsl\.md says how to install"):
        load_pylsl()
