"""Real camera stacks: Picamera2 on libcamera's virtual pipeline, and V4L2 that is unplugged.

What they cannot show is a sensor: its timing, its exposure, its ribbon cable.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import pytest

from edge.camera.deadlines import BACK_S
from edge.testcard import Scene
from tests.broker import Mosquitto, Subscriber, wait_until
from tests.footage import DATA
from tests.pi import loopback
from tests.pi.image import with_the_service
from tests.pi.ports import SHELL
from tests.pi.release import download, install, platform
from tests.pi.vm import BOOT_S, TOPIC, Machine, config, machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.pi.hardware import Hardware

pytestmark = pytest.mark.timeout(2 * 3600)

MINUTES = float(os.environ.get("MINUTES", "10"))
UNPLUGGED = 10
MOST_GROWTH = 1.05

SHIMS = Path(__file__).parent / "probes/picamera2_shims.py"

# Picamera2's own requirements that no Debian package holds. The Pi has all of them from apt, as python3-picamera2.
WHEELS = (
    *("picamera2==0.3.38", "piexif==1.1.3", "pillow==13.0.0", "simplejpeg==1.9.0", "videodev2==0.0.4"),
    *("libarchive-c==5.3", "jsonschema==4.26.0", "attrs==26.1.0", "jsonschema-specifications==2025.9.1"),
    *("referencing==0.37.0", "rpds-py==2026.9.1", "tqdm==4.70.1", "openexr==3.5.3", "av==18.1.0"),
)

HEALTH = "[health]\nevery_s = 5\n"

FED = "var/lib/lab-fed"
FEEDER = Path(__file__).parent / "probes/feed_loopback.py"
CLIP, FED_PICTURES = "eat.mkv", 40
"""A real face, of the data folder."""

VIRTUAL = """%YAML 1.1
---
"Virtual0":
  supported_formats:
    - width: 640
      height: 480
      frame_rates:
        - 30
  frames:
    path: "/var/lib/lab-frames/"
  location: "CameraLocationFront"
  model: "Virtual Video Device"
"""


@pytest.fixture(scope="module")
def running(broker: Mosquitto) -> Iterator[Machine]:
    files = {
        **config(broker.port, "picamera2:0", HEALTH),
        "usr/share/libcamera/pipeline/virtual/virtual.yaml": VIRTUAL,
        # As Pi OS has it.
        "etc/udev/rules.d/99-lab.rules": 'SUBSYSTEM=="dma_heap", GROUP="video", MODE="0660"\n',
        **SHELL,
    }
    with machine(files, build=as_on_a_pi, processors=2) as made, made.on():  # vivid alone takes most of one
        yield made


@pytest.fixture
def subscriber(running: Machine, broker: Mosquitto) -> Iterator[Subscriber]:
    assert running
    with contextlib.closing(Subscriber(broker.port)) as it:
        yield it


def as_on_a_pi(hardware: Hardware, root: Path) -> None:
    """Install Picamera2 as apt does, stand-ins for what a machine without a Pi's hardware lacks, and the service."""
    modules = root / "usr/lib/python3/dist-packages"
    of = platform(hardware.platform)
    install(of, [download(of, wheel) for wheel in WHEELS], modules)
    shutil.copy(SHIMS, modules / "picamera2_shims.py")
    package = modules / "picamera2/__init__.py"
    shimmed = f"import picamera2_shims\n{package.read_text(encoding='utf-8')}\npicamera2_shims.apply()\n"
    package.write_text(shimmed, encoding="utf-8")
    frames = root / "var/lib/lab-frames"
    frames.mkdir(parents=True)
    scene = Scene()
    for number in range(90):
        cv2.imwrite(str(frames / f"{number:03}.jpg"), scene.render(number / 30))
    feed(root)
    with_the_service(hardware, root)


def feed(root: Path) -> None:
    """Put what a fed camera needs into a system: the module for its kernel, pictures of a face, and who feeds them.

    Where one of them cannot be had, it is left out, and the test says so.
    """
    (kernel,) = (each.name for each in (root / "lib/modules").iterdir())
    folder = root / FED
    folder.mkdir(parents=True)
    with contextlib.suppress(subprocess.CalledProcessError):
        shutil.copy(loopback.module(kernel), folder / "v4l2loopback.ko")
    if (clip := DATA / "clips" / CLIP).is_file():
        (folder / "pictures").write_bytes(loopback.pictures(clip, FED_PICTURES))
    shutil.copy(FEEDER, folder)


def told(subscriber: Subscriber, topic: str) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in subscriber.payloads(f"{TOPIC}/{topic}")]


def statuses(subscriber: Subscriber) -> list[str]:
    return [each["status"] for each in told(subscriber, "camera")]


def wait_for(subscriber: Subscriber, status: str, after: int) -> None:
    """Wait until a status is the newest of those after the first `after` ones."""
    wait_until(lambda: statuses(subscriber)[after:][-1:] == [status], BOOT_S)


def test_picamera2_sees_a_face_and_does_not_grow(
    running: Machine, subscriber: Subscriber, say: Callable[[str], None], keep: Callable[[str, Any], None]
) -> None:
    wait_until(lambda: statuses(subscriber)[-1:] == ["online"], BOOT_S)
    wait_until(lambda: any(event["type"] == "appeared" for event in told(subscriber, "event")), BOOT_S)
    assert told(subscriber, "info")[-1]["camera"].startswith("picamera2")
    time.sleep(30)  # what is loaded late is loaded by then
    begin = len(told(subscriber, "health"))
    time.sleep(60 * MINUTES)
    health = told(subscriber, "health")[begin:]
    memory = [each["rss_mb"] for each in health]
    say(f"camera: {MINUTES:g} min of Picamera2, memory {memory[0]:.1f} MB, then {memory[-1]:.1f} MB")
    keep("camera-picamera2", {"minutes": MINUTES, "rss_mb": memory})
    assert memory[-1] < MOST_GROWTH * memory[0]
    assert set(statuses(subscriber)) == {"online"}, running.console()[-2000:]


def test_picamera2_lets_go_and_takes_up_again(subscriber: Subscriber) -> None:
    for _ in range(3):
        before = len(statuses(subscriber))
        subscriber.publish(f"{TOPIC}/detection/set", "OFF")
        wait_for(subscriber, "off", before)
        subscriber.publish(f"{TOPIC}/detection/set", "ON")
        wait_for(subscriber, "online", before)


def watch(running: Machine, broker: Mosquitto, camera: str) -> None:
    """Let the service watch another camera."""
    for path, text in config(broker.port, camera, HEALTH).items():
        running.write(f"/{path}", text)
    running.shell("systemctl restart --no-block emotion-edge")


def test_a_usb_camera_is_unplugged_ten_times(
    running: Machine, broker: Mosquitto, subscriber: Subscriber, say: Callable[[str], None]
) -> None:
    wait_until(lambda: statuses(subscriber) != [], BOOT_S)  # it has booted
    running.shell("modprobe vivid n_devs=1 node_types=0x1")
    wait_until(lambda: "/dev/video0" in running.shell("ls /dev/video* || true"), BOOT_S)
    watch(running, broker, "/dev/video0")
    wait_until(lambda: "vivid" in told(subscriber, "info")[-1]["camera"], BOOT_S)
    wait_until(lambda: statuses(subscriber)[-1:] == ["online"], BOOT_S)
    process = running.shell("systemctl show -P MainPID emotion-edge")
    took = []
    for _ in range(UNPLUGGED):
        before = len(statuses(subscriber))
        running.shell("v4l2-ctl -d /dev/video0 -c disconnect=1")
        wait_for(subscriber, "offline", before)
        running.shell("until modprobe -r vivid; do sleep 1; done; modprobe vivid n_devs=1 node_types=0x1")
        again_s = time.monotonic()
        wait_for(subscriber, "online", before)
        took.append(time.monotonic() - again_s)
        time.sleep(BACK_S + 2)  # one that comes back for moments alone is given up, for a new process
    say(f"camera: unplugged {UNPLUGGED} times; pictures again after {min(took):.0f} to {max(took):.0f} s")
    assert running.shell("systemctl show -P MainPID emotion-edge") == process


def test_a_camera_that_a_program_feeds_shows_a_real_face(
    running: Machine, broker: Mosquitto, subscriber: Subscriber, say: Callable[[str], None]
) -> None:
    wait_until(lambda: statuses(subscriber) != [], BOOT_S)  # it has booted
    has = running.shell(f"ls /{FED}").split()
    if "v4l2loopback.ko" not in has:
        pytest.skip("RUNG NOT RUN: v4l2loopback was not built for the machine's kernel; what apt or dkms said is above")
    if "pictures" not in has:
        pytest.skip(f"RUNG NOT RUN: clips/{CLIP} is not in the data folder; DATA=FOLDER names another one")
    running.shell(f"modprobe videodev; insmod /{FED}/v4l2loopback.ko video_nr=7 card_label=Fed exclusive_caps=1")
    start_feeding = (
        f"systemd-run --quiet --unit=lab-feed python3 /{FED}/{FEEDER.name} /dev/video7 "
        f"{loopback.WIDTH} {loopback.HEIGHT} {loopback.FPS} /{FED}/pictures"
    )
    running.shell(start_feeding)
    known = len(told(subscriber, "event"))
    watch(running, broker, "/dev/video7")
    wait_until(lambda: told(subscriber, "info")[-1]["camera"].startswith("/dev/video7"), BOOT_S)
    wait_until(lambda: any(each["type"] == "appeared" for each in told(subscriber, "event")[known:]), BOOT_S)
    event = next(each for each in told(subscriber, "event")[known:] if each["type"] == "appeared")
    assert "synthetic" not in event
    before = len(statuses(subscriber))
    running.shell("systemctl stop lab-feed")
    wait_until(lambda: set(statuses(subscriber)[before:]) & {"stalled", "offline"}, BOOT_S)
    before = len(statuses(subscriber))
    running.shell(start_feeding)
    wait_for(subscriber, "online", before)
    say(f"camera: a fed camera shows a real face, read as {event['emotion']}; fed again, it is online again")
