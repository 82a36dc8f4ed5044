from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.broker import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def port() -> Iterator[int]:
    """Listen as a broker or a network camera would."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]
