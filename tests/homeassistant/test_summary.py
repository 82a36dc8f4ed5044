"""The day in Home Assistant: its sensors, and the statistics that the recorder makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.helpers import entity_registry
from homeassistant.setup import async_setup_component
from homeassistant.util import dt
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
    statistics_during_period,
)

from edge.wire.summary_message import Period, Periods, SummaryMessage
from tests.homeassistant.conftest import CONFIG, TOPICS, announcement, complaints

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeassistant.core import HomeAssistant

    Tell = Callable[..., Any]

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = NOON.replace(hour=0)


def summary(visits: int, happy: float, *, begin: datetime = TODAY) -> str:
    day = Period(
        begin=begin,
        observed_minutes=600,
        present_minutes=happy + 1,
        minutes={"happy": happy, "uncertain": 1},
        visits=visits,
        faces=visits,
        longest_stay_s=90,
    )
    periods = Periods(hour=day, day=day, last_hour=None, last_day=None)
    return SummaryMessage(device="kitchen", session="01JD", sent_at=NOON, utc=periods, local=periods).to_json()


async def test_the_day_has_its_sensors(hass: HomeAssistant, tell: Tell, caplog: pytest.LogCaptureFixture) -> None:
    await tell(TOPICS.summary, summary(3, 12.5))
    shown = {state.entity_id: state for state in hass.states.async_all("sensor") if state.entity_id.endswith("_today")}
    assert {name.removeprefix("sensor.kitchen_"): state.state for name, state in shown.items()} == {
        "visits_today": "3",
        "somebody_there_today": "13.5",
        "longest_stay_today": "90.0",
        "happy_today": "12.5",
        "angry_today": "0",
    }
    happy = shown["sensor.kitchen_happy_today"].attributes
    assert (happy["state_class"], happy["unit_of_measurement"], happy["device_class"]) == ("total", "min", "duration")
    assert happy["last_reset"] == "2026-11-22T00:00:00+00:00"
    assert complaints(caplog) == []


async def test_without_a_summary_the_sensors_go(
    hass: HomeAssistant, tell: Tell, caplog: pytest.LogCaptureFixture
) -> None:
    def today() -> int:
        return sum(name.endswith("_today") for name in entity_registry.async_get(hass).entities)

    assert today() == 5
    await tell(CONFIG, announcement(summary=False))
    assert today() == 0
    await tell(CONFIG, announcement())
    assert today() == 5
    assert complaints(caplog) == []


async def test_the_recorder_keeps_statistics_over_midnight(
    recorder_mock: object,  # noqa: ARG001  # the recorder is set up
    hass: HomeAssistant,
    tell: Tell,
) -> None:
    assert await async_setup_component(hass, "sensor", {})
    began = dt.utcnow()
    for text in (summary(3, 10), summary(4, 12.5), summary(1, 3, begin=TODAY + timedelta(days=1))):
        await tell(TOPICS.summary, text)
    await async_wait_recording_done(hass)
    start = began.replace(minute=began.minute // 5 * 5, second=0, microsecond=0)
    do_adhoc_statistics(hass, start=start)
    await async_wait_recording_done(hass)

    def of(name: str) -> dict[str, Any]:
        found = statistics_during_period(hass, start, period="5minute", statistic_ids={f"sensor.kitchen_{name}_today"})
        row: dict[str, Any]
        (row,) = found[f"sensor.kitchen_{name}_today"]
        return row

    assert (of("visits")["state"], of("visits")["sum"]) == (1, 1 + 1)  # one more, then the first of a new day
    assert of("happy")["sum"] == pytest.approx(2.5 + 3)
    assert of("longest_stay")["max"] == 90
