from __future__ import annotations

import pytest

from edge.camera.states import CLOSING_STATES, OFF_STATES, TRANSITIONS, CameraState, Signal

AT_WORK = [state for state in CameraState if state not in {*OFF_STATES, CameraState.ENDED}]


@pytest.mark.parametrize("state", AT_WORK)
def test_from_every_state_off_is_off(state: CameraState) -> None:
    assert TRANSITIONS[state, Signal.OFF] in OFF_STATES


@pytest.mark.parametrize("state", OFF_STATES)
def test_from_every_state_that_is_off_on_is_on(state: CameraState) -> None:
    assert TRANSITIONS[state, Signal.ON] not in OFF_STATES
    assert (state, Signal.RETRY) not in TRANSITIONS  # and nothing else is
    assert {after for (before, _), after in TRANSITIONS.items() if before is state} <= {
        TRANSITIONS[state, Signal.ON],
        CameraState.OFF,
    }


def test_a_camera_is_opened_only_once_it_is_closed() -> None:
    assert {state for (state, _), after in TRANSITIONS.items() if after is CameraState.OPENING} == {CameraState.LOST}
    closed = {after for (state, signal), after in TRANSITIONS.items() if signal is Signal.CLOSED}
    assert closed == {CameraState.LOST, CameraState.OFF}
    for (state, signal), after in TRANSITIONS.items():
        if state in CLOSING_STATES and signal is not Signal.CLOSED:
            assert after in CLOSING_STATES


def test_every_state_is_reached_and_only_the_end_is_final() -> None:
    reached = {CameraState.OPENING, CameraState.OFF}
    for _ in CameraState:
        reached |= {after for (state, _), after in TRANSITIONS.items() if state in reached}
    assert reached == set(CameraState)
    assert {state for state in CameraState if not any(before is state for before, _ in TRANSITIONS)} == {
        CameraState.ENDED
    }
