"""Power cuts at random moments of a device's work, and what must hold after them."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Protocol

from tests.broker import Subscriber, wait_until
from tests.pi.lives import Span, Witness, judged

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.broker import Mosquitto
    from tests.pi.lives import Line

OFF_EVERY = 10
"""Of so many cuts one is of a device that was just switched off, and the next while it is off."""

AT_START, FLOW_S = 0.2, 10.0
"""The share of cuts while it starts; the others come within so many seconds after an event."""

ARRIVAL_S = 300.0
"""How long what waits on the disk may take to arrive, once the last life has reached the broker."""

IDLE_S = 5.0
"""How long a device that is off is watched; the test card's face would appear sooner."""


class Device(Protocol):
    """What can be switched on, and whose power can be cut."""

    lines: list[Line]
    """What it wrote at once, in all lives: its events, and perhaps more."""

    spans: list[Span]
    """Its lives that have ended."""

    def on(self) -> AbstractContextManager[None]:
        """Switch it on; at the end of the block its power is cut."""
        ...

    def wait_for_an_event(self) -> None:
        """Wait for the next event."""
        ...


def cut_often(
    device: Device,
    broker: Mosquitto,
    topic: str,
    *,
    patience_s: float,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Cut a device's power again and again and return what was measured.

    The variable ``CUTS`` says how often, ``SEED`` repeats the moments of another run.

    Args:
        device: It is off.
        broker: It is away in half of the lives, but for those that switch detection.
        topic: The device's.
        patience_s: More than it takes from switching on to the first event.
        say: Takes the lines to show.

    Raises:
        AssertionError: An event that was older than a second is lost, or detection did not stay off.
    """
    cuts = int(os.environ.get("CUTS", "50"))
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1 << 32)
    say(f"CUTS={cuts} SEED={seed} repeats these cuts")
    dice = random.Random(seed)  # noqa: S311  # no secret
    began_s = time.monotonic()
    kept_off = 0
    # Before the first life: an event that the broker had from a device is not kept for who subscribes later.
    with contextlib.closing(Subscriber(broker.port, "lab")) as subscriber:
        witness = Witness(subscriber, topic, patience_s)
        boot_s = seconds_to_the_first_event(device)
        for number in range(1, cuts - 1):  # that was the first; the last one follows
            if number % OFF_EVERY == 1:
                with device.on():
                    witness.wait_for_a_new_session()
                    witness.tell("OFF")
            elif number % OFF_EVERY == 2:
                with device.on():
                    assert_still_off(device, witness)
                    witness.tell("ON")
                kept_off += 1
            else:
                if dice.random() < 0.5:
                    broker.stop()
                with device.on():
                    if dice.random() < AT_START:
                        time.sleep(dice.uniform(0.2, 1.0) * boot_s)
                    else:
                        device.wait_for_an_event()
                        time.sleep(dice.uniform(0.0, FLOW_S))
                broker.restart()
        last = Span(time.monotonic(), float("inf"))
        with device.on():
            witness.wait_for_a_new_session()
            with contextlib.suppress(AssertionError):  # what is lost is named below
                wait_until(lambda: not judged([*device.spans, last], device.lines, witness.events()).lost, ARRIVAL_S)
        found = judged(device.spans, device.lines, witness.events())
    minutes = (time.monotonic() - began_s) / 60
    say(
        f"{cuts} cuts in {minutes:.0f} min, first event {boot_s:.0f} s after switching on; {found.made} events made, "
        f"{found.arrived} arrived, {found.duplicates} twice, {len(found.lost)} lost that were older than a second, "
        f"{found.lost_young} younger; {kept_off} times off before and after"
    )
    assert found.holds, found
    assert found.arrived, "no event arrived, so that nothing was shown"
    return {"cuts": cuts, "minutes": minutes, "seed": seed, "boot_s": boot_s, "kept_off": kept_off} | vars(found)


def seconds_to_the_first_event(device: Device) -> float:
    """Switch a device on until its first event, cut its power, and return how long it took."""
    with device.on():
        began_s = time.monotonic()
        device.wait_for_an_event()
        return time.monotonic() - began_s


def assert_still_off(device: Device, witness: Witness) -> None:
    """See that a life finds detection off, and that no face is seen."""
    states, lines = len(witness.states()), len(device.lines)
    witness.wait_for_a_new_session()
    wait_until(lambda: len(witness.states()) > states, witness.patience_s)
    time.sleep(IDLE_S)
    assert set(witness.states()[states:]) == {"OFF"}
    assert not [line.text for line in device.lines[lines:] if '"type"' in line.text]


def assert_nothing_torn(folder: Path) -> None:
    """Look at all files that a device left behind: their names, and the outbox."""
    names = sorted(path.name for path in folder.rglob("*") if path.is_file())
    assert not [name for name in names if "damaged" in name or name.endswith((".tmp", ".new"))], names
    outboxes = list(folder.rglob("outbox.sqlite"))
    assert len(outboxes) == 1, (
        f"{outboxes}: there is one once an event has waited, for which a few cuts may not be enough"
    )
    with contextlib.closing(sqlite3.connect(outboxes[0])) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
