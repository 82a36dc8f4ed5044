from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from edge import config
from edge.bench import BenchReport, measure
from tests.certificates import Authority

if TYPE_CHECKING:
    from pathlib import Path

# A busy machine is no failure.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(scope="session")
def bench_report() -> BenchReport:
    """A real run on the test card, with everything that bench can measure."""
    return measure(config.load(None, {}, {"camera.source": "testcard"}), 3.0, cascades=True, people=(1, 2))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that signed a broker's and a device's certificate, one of another host, and one that is over."""
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    authority.sign("broker")
    authority.sign("device")
    authority.sign("elsewhere", "DNS:elsewhere.example")
    authority.sign("expired", days=-1)
    return authority


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Two seconds of nobody."""
    path = tmp_path / "nobody.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15, (320, 240))
    random = np.random.default_rng(0)
    for _ in range(30):
        writer.write(random.integers(90, 110, (240, 320, 3), dtype=np.uint8))
    writer.release()
    return path
