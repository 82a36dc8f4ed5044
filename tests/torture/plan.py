"""What is done to the publishing side, in which order and for how long: random, but the same for the same seed."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.torture.bench import Bench
from tests.torture.troubles import BROKER_KILLED, FULL_DISK, TROUBLES, WAITING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.torture.ledger import Verdict


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    events: int
    """At least so many are made."""

    rate: float
    """Events made a second."""

    each: int
    """How often each trouble comes, but for the one below."""

    brokers: int
    """How often the broker is killed."""

    kills: int
    """Kills of the publisher, at random moments of random troubles; never with the disk full."""

    lasts_s: tuple[float, float]
    """How long a trouble lasts: least and most."""

    rests_s: float
    """The longest rest between two troubles."""


LATE_S = 1.3
"""When enough has waited for more than a second."""

SHORT = Plan(events=300, rate=40, each=1, brokers=2, kills=2, lasts_s=(0.2, 0.8), rests_s=0.1)
LONG = Plan(events=10_000, rate=50, each=7, brokers=20, kills=20, lasts_s=(0.2, 3.0), rests_s=0.5)


@dataclass(frozen=True)
class Round:
    """One trouble, and when in it the publisher is killed."""

    trouble: str
    lasts_s: float
    kills_s: tuple[float, ...]
    rests_s: float


def schedule(plan: Plan, seed: int, *, small_disk: bool) -> list[Round]:
    """Draw what happens when.

    Every other kill comes when events have waited for more than a second, so
    that one which only lives in memory cannot survive it.
    """
    chance = random.Random(seed)  # noqa: S311  # to be repeatable
    times = {name: plan.each for name in TROUBLES if small_disk or name != FULL_DISK} | {BROKER_KILLED: plan.brokers}
    names = [name for name, count in times.items() for _ in range(count)]
    chance.shuffle(names)
    anywhere = [place for place, name in enumerate(names) if name != FULL_DISK]
    waiting = [place for place in anywhere if names[place] in WAITING]
    late = Counter(chance.choices(waiting, k=(plan.kills + 1) // 2))
    early = Counter(chance.choices(anywhere, k=plan.kills // 2))
    rounds = []
    for place, name in enumerate(names):
        lasts_s = chance.uniform(*plan.lasts_s)
        kills_s = [chance.uniform(0, lasts_s) for _ in range(early[place])]
        if late[place] or name == FULL_DISK:
            lasts_s += LATE_S
            kills_s += [chance.uniform(LATE_S, lasts_s) for _ in range(late[place])]
        rounds.append(Round(name, lasts_s, tuple(sorted(kills_s)), chance.uniform(0, plan.rests_s)))
    return rounds


@dataclass(frozen=True)
class Outcome:
    """What was done, and what came of it."""

    seed: int
    seconds: float
    done: Counter[str]
    verdict: Verdict
    log: str

    def __str__(self) -> str:
        """Return the table."""
        verdict = self.verdict
        rows = {
            **self.done,
            "events made": verdict.made,
            "events that arrived": verdict.arrived,
            "duplicates": verdict.duplicates,
            "lost, older than 1 s at a kill": len(verdict.lost),
            "lost, younger (allowed)": verdict.lost_young,
            "ms: age of the oldest lost": round(1000 * verdict.oldest_lost_s),
            "out of order": len(verdict.disordered),
            "strange": len(verdict.strange),
        }
        table = [f"  {name:32}{count:>7}" for name, count in rows.items()]
        faults = [*verdict.lost, *verdict.disordered, *verdict.strange]
        return "\n".join([f"torture, seed {self.seed}, {self.seconds:.0f} s", *table, *faults])


def torture(
    folder: Path, plan: Plan, seed: int, *, small_disk: bool, say: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Run a plan.

    Args:
        folder: An empty one.
        plan: What to do.
        seed: Of everything random.
        small_disk: Whether a disk can be mounted to be filled; else that part is left out.
        say: Told each trouble as it comes.
    """
    rounds = schedule(plan, seed, small_disk=small_disk)
    began_s = time.monotonic()
    with Bench(folder, plan.rate, small_disk=small_disk) as bench:
        for now in rounds:
            say(f"{time.monotonic() - began_s:6.1f} s  {now.trouble} for {now.lasts_s:.1f} s, {len(now.kills_s)} kills")
            start_s = time.monotonic()
            with TROUBLES[now.trouble](bench):
                for kill_s in now.kills_s:
                    _sleep_until(start_s + kill_s)
                    bench.kill_publisher()
                _sleep_until(start_s + now.lasts_s)
            time.sleep(now.rests_s)
        while bench.made < plan.events:
            time.sleep(0.1)
        verdict = bench.finish(timeout_s=60)
        done = Counter(sorted(now.trouble for now in rounds))
        done["publisher killed"] = sum(len(now.kills_s) for now in rounds)
        return Outcome(seed, time.monotonic() - began_s, done, verdict, bench.log)


def _sleep_until(moment_s: float) -> None:
    time.sleep(max(0.0, moment_s - time.monotonic()))
