"""Nothing that is older than a second is lost, whatever happens; and the judge of that is no friend."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.mounts import can_mount
from tests.torture.ledger import Life, Made, digest, judge
from tests.torture.plan import LATE_S, LONG, SHORT, Plan, schedule, torture
from tests.torture.troubles import FULL_DISK, WAITING

if TYPE_CHECKING:
    from pathlib import Path

SEED = 20261122


def test_nothing_is_lost_whatever_happens(tmp_path: Path) -> None:
    outcome = torture(tmp_path, SHORT, SEED, small_disk=can_mount())
    print(outcome)  # noqa: T201  # pytest shows it where the test fails
    assert outcome.verdict.holds, outcome
    assert outcome.verdict.made >= SHORT.events  # what a kill may cost of the last second may be missing
    assert outcome.done["publisher killed"] == SHORT.kills
    assert "events wait since before the start" in outcome.log  # the disk was needed
    for limit in ("is skipped", "refuses what is published", "takes packets of", "takes QoS 0", "keeps no retained"):
        assert limit in outcome.log
    if not can_mount():
        pytest.skip("all but the full disk, which needs root and the right to mount: nothing was lost")
    assert "works again" in outcome.log  # and was full


@pytest.mark.parametrize("plan", [SHORT, LONG])
def test_a_seed_gives_one_schedule_and_kills_hit_what_waits(plan: Plan) -> None:
    rounds = schedule(plan, SEED, small_disk=True)
    assert rounds == schedule(plan, SEED, small_disk=True)
    assert rounds != schedule(plan, SEED + 1, small_disk=True)
    kills = [(now.trouble, kill_s) for now in rounds for kill_s in now.kills_s]
    assert len(kills) == plan.kills
    assert sum(trouble in WAITING and kill_s >= LATE_S for trouble, kill_s in kills) >= plan.kills // 2
    assert FULL_DISK not in dict(kills)
    done = Counter(now.trouble for now in rounds)
    assert (done["broker killed"], done["connection cut"]) == (plan.brokers, plan.each)
    assert FULL_DISK not in {now.trouble for now in schedule(plan, SEED, small_disk=False)}


def payload(session: str, sequence: int, emotion: str = "happy") -> str:
    return json.dumps({"session": session, "sequence": sequence, "emotion": emotion})


@pytest.fixture
def lives(tmp_path: Path) -> list[Life]:
    """Two lives of three events, one a second; the first was killed 0.5 s after its last."""
    made = {}
    for session, first_s in (("A", 10.0), ("B", 20.0)):
        ledger = made[session] = tmp_path / session
        events = [Made(session, n, first_s + n, digest(payload(session, n))) for n in range(3)]
        ledger.write_text("".join(event.to_line() for event in events) + "B 3 2", encoding="utf-8")  # torn by the kill
    return [Life(made["A"], killed_s=12.5), Life(made["B"])]


def test_the_judge_finds_what_was_lost(lives: list[Life]) -> None:
    everything = [payload(session, n) for session in "AB" for n in range(3)]
    verdict = judge(lives, everything)
    assert (verdict.holds, verdict.made, verdict.arrived, verdict.duplicates) == (True, 6, 6, 0)
    young = judge(lives, [p for p in everything if p != payload("A", 2)])
    assert (young.holds, young.lost_young, young.oldest_lost_s) == (True, 1, 0.5)
    old = judge(lives, [p for p in everything if p != payload("A", 1)])
    assert (old.holds, old.lost) == (False, ("A 1, 1.500 s old",))
    last = judge(lives, everything[:-1])
    assert (last.holds, last.lost) == (False, ("B 2, inf s old",))  # it was not killed


def test_the_judge_allows_duplicates_and_nothing_else(lives: list[Life]) -> None:
    everything = [payload(session, n) for session in "AB" for n in range(3)]
    twice = judge(lives, everything[:3] + everything[1:])
    assert (twice.holds, twice.duplicates) == (True, 2)
    within = judge(lives, [everything[1], everything[0], *everything[2:]])
    assert (within.holds, within.disordered) == (False, ("A 0",))
    across = judge(lives, [*everything[:2], everything[3], everything[2], *everything[4:]])
    assert across.holds  # sessions may take turns
    stranger = judge(lives, [*everything, payload("A", 3)])
    assert (stranger.holds, len(stranger.strange)) == (False, 1)
    altered = judge(lives, [*everything, payload("A", 1, "sad")])
    assert (altered.holds, len(altered.strange)) == (False, 1)
