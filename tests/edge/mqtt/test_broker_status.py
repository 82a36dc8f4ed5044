from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from edge.config import Broker
from edge.mqtt import Topics
from edge.mqtt.broker_status import BrokerStatus
from edge.mqtt.limits import BrokerLimits
from edge.mqtt.outcome import End

if TYPE_CHECKING:
    from types import FrameType

REFUSED = End("refused", "not authorized")


def refused_meanwhile(status: BrokerStatus) -> str | None:
    """Return `status.refused`; before each of its steps the broker refuses or accepts, as on another thread."""

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        if frame.f_code.co_qualname != "BrokerStatus.refused":
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            if status.refused:
                status.accepted(BrokerLimits())
            else:
                status.failed(REFUSED)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return status.refused
    finally:
        sys.settrace(before)


def test_the_reason_may_be_read_while_it_changes() -> None:
    status = BrokerStatus(Broker("network"), Topics("emotion-edge", "test"))
    assert refused_meanwhile(status) in (None, REFUSED.reason)


def test_the_newest_reason_is_told_until_the_broker_takes_an_event() -> None:
    status = BrokerStatus(Broker("network"), Topics("emotion-edge", "test"))
    status.failed(REFUSED)
    status.events_refused("quota exceeded")
    assert status.refused == "quota exceeded"
    status.accepted(BrokerLimits())
    assert status.refused == "quota exceeded"
    status.event_taken()
    assert status.refused is None
