from __future__ import annotations

from pathlib import Path

import pytest

from tests.systemd.checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("there is no /usr/bin/python3")
    return Checkout(tmp_path)


@pytest.fixture
def switches(checkout: Checkout) -> Checkout:
    """A checkout whose command takes every configuration, in no time."""
    made = 'mkdir -p "$1/bin"; touch "$1/bin/emotion-edge"; echo "#!/bin/sh" >"$1/bin/python"; chmod +x "$1/bin/python"'
    checkout.program("requirements/venv.sh", made)
    return checkout
