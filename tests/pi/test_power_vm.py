"""Power cuts: a machine is switched off in the middle of its work, again and again, and nothing promised is lost.

The guest's unsynced writes die with it, as with a real cut. What a real SD card does with a write that it has
acknowledged, and with a sector that it is writing, is the card's: no emulation shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.pi.cuts import assert_nothing_torn, cut_often
from tests.pi.prerequisites import need
from tests.pi.vm import BOOT_S, PRINTS, TOPIC, Machine, config, machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.broker import Mosquitto

pytestmark = pytest.mark.timeout(4 * 3600)


@pytest.fixture(scope="module")
def printing(broker: Mosquitto) -> Iterator[Machine]:
    """A machine that watches the test card and prints its events."""
    need("e2fsck")  # which is used at the end
    with machine(config(broker.port, "testcard") | PRINTS) as made:
        yield made


def test_power_cuts(
    printing: Machine, broker: Mosquitto, tmp_path: Path, say: Callable[[str], None], keep: Callable[[str, Any], None]
) -> None:
    found = cut_often(printing, broker, TOPIC, patience_s=BOOT_S, say=lambda line: say(f"power_vm: {line}"))
    keep("power_vm", found)
    assert_nothing_torn(printing.files_on_the_disk(tmp_path / "disk"))
