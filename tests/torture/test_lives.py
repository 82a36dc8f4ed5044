"""What a cut device printed, held against what arrived: the laboratory's verdict."""

from __future__ import annotations

import json

from tests.pi.lives import Line, Span, judged

CUT, LAST = Span(0.0, 10.0), Span(20.0, 30.0)


def event(sequence: int, session: str = "one", kind: str = "changed") -> str:
    return json.dumps({"session": session, "sequence": sequence, "type": kind})


def test_what_arrived_as_it_was_printed_holds() -> None:
    lines = [Line(1.0, "starting"), Line(2.0, event(0)), Line(3.0, event(1)), Line(21.0, event(0, "two"))]
    found = judged([CUT, LAST], lines, [event(0), event(1), event(1), event(0, "two")])
    assert found.holds
    assert (found.made, found.arrived, found.duplicates) == (3, 3, 1)


def test_an_event_that_arrived_before_the_cut_let_it_be_printed_was_made() -> None:
    found = judged([CUT, LAST], [Line(9.9, event(0))], [event(0), event(1, kind="gone"), event(0, "two")])
    assert found.holds
    assert (found.made, found.arrived) == (3, 3)


def test_what_is_older_than_a_second_at_the_cut_and_never_comes_is_lost() -> None:
    found = judged([CUT, LAST], [Line(8.0, event(0)), Line(9.5, event(1))], [])
    assert not found.holds
    assert (len(found.lost), found.lost_young) == (1, 1)


def test_what_differs_from_what_was_printed_is_strange() -> None:
    lines = [Line(1.0, event(0)), Line(2.0, event(1))]
    assert len(judged([CUT, LAST], lines, [event(0, kind="gone"), event(1)]).strange) == 1
    assert len(judged([CUT, LAST], lines, [event(0), event(1), event(2), event(2, kind="gone")]).strange) == 1
