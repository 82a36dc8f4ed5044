from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge import config

if TYPE_CHECKING:
    from edge.config import Settings


@pytest.fixture
def settings() -> Settings:
    """The settings of a benchmark on the test card."""
    return config.load(None, {}, {"camera.source": "testcard"})
