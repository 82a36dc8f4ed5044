"""The blueprints and the template of examples/, as Home Assistant loads them from its configuration folder."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from homeassistant.components import automation
from homeassistant.setup import async_setup_component
from homeassistant.util import dt
from homeassistant.util.yaml import load_yaml_dict
from pytest_homeassistant_custom_component.common import async_fire_time_changed, async_mock_service

from tests.homeassistant.conftest import TOPICS, complaints

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeassistant.core import HomeAssistant

    Tell = Callable[..., Any]
    Use = Callable[[str, dict[str, Any]], Awaitable[None]]

EXAMPLES = Path(__file__).parents[2] / "examples" / "home-assistant"


@pytest.fixture
def use(hass: HomeAssistant, tell: Tell, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Use:  # noqa: ARG001  # tell: the entities are there
    """Return what makes an automation of a blueprint."""
    hass.config.config_dir = str(tmp_path)
    folder = tmp_path / "blueprints" / "automation"
    folder.mkdir(parents=True)
    shutil.copytree(EXAMPLES / "blueprints", folder / "emotion-edge")

    async def make(name: str, inputs: dict[str, Any]) -> None:
        made = {"alias": name, "use_blueprint": {"path": f"emotion-edge/{name}", "input": inputs}}
        assert await async_setup_component(hass, automation.DOMAIN, {automation.DOMAIN: made})
        assert len(hass.states.async_all("automation")) == 1
        assert complaints(caplog) == []

    return make


async def after(hass: HomeAssistant, **passed: float) -> None:
    async_fire_time_changed(hass, dt.utcnow() + timedelta(**passed))
    await hass.async_block_till_done()


def state(emotion: str | None) -> dict[str, Any]:
    return {"emotion": emotion, "confidence": None, "faces": [{"id": 1}] if emotion else []}


async def test_a_lamp_follows_the_mood_of_the_room(
    hass: HomeAssistant, tell: Tell, use: Use, caplog: pytest.LogCaptureFixture
) -> None:
    on, off = async_mock_service(hass, "light", "turn_on"), async_mock_service(hass, "light", "turn_off")
    inputs = {"emotion": "sensor.kitchen_emotion", "lamp": {"entity_id": "light.kitchen"}, "angry": [1, 2, 3]}
    await use("mood_lamp.yaml", inputs)
    await tell(TOPICS.state, state("happy"))
    assert on == []
    await after(hass, seconds=2.1)
    assert [(call.data["rgb_color"], call.data["entity_id"]) for call in on] == [([255, 200, 40], ["light.kitchen"])]
    await tell(TOPICS.state, state("angry"))
    await after(hass, seconds=2.1)
    assert on[-1].data["rgb_color"] == [1, 2, 3]
    for stays in ("uncertain", "happy"):  # the second does not last
        await tell(TOPICS.state, state(stays))
        await after(hass, seconds=2.1 if stays == "uncertain" else 1)
    await tell(TOPICS.camera, {"status": "off"})
    await after(hass, seconds=2.1)
    await tell(TOPICS.camera, {"status": "online"})
    assert len(on) == 2
    assert off == []
    await tell(TOPICS.state, state(None))
    await after(hass, seconds=2.1)
    assert [call.data["entity_id"] for call in off] == [["light.kitchen"]]
    assert complaints(caplog) == []


async def test_nobody_was_there_for_some_minutes(hass: HomeAssistant, tell: Tell, use: Use) -> None:
    calls = async_mock_service(hass, "test", "nobody")
    inputs = {
        "face_present": "binary_sensor.kitchen_face_present",
        "minutes": 1,
        "actions": [{"action": "test.nobody"}],
    }
    await use("nobody_there.yaml", inputs)
    await tell(TOPICS.state, state("happy"))
    await tell(TOPICS.state, state(None))
    await after(hass, seconds=50)
    assert calls == []
    await tell(TOPICS.state, state("happy"))  # in time
    await after(hass, seconds=70)
    assert calls == []
    await tell(TOPICS.state, state(None))
    await after(hass, seconds=61)
    assert len(calls) == 1


async def test_a_camera_that_is_off_says_nothing_of_who_is_there(hass: HomeAssistant, tell: Tell, use: Use) -> None:
    calls = async_mock_service(hass, "test", "nobody")
    inputs = {"face_present": "binary_sensor.kitchen_face_present", "actions": [{"action": "test.nobody"}]}
    await use("nobody_there.yaml", inputs)
    await tell(TOPICS.state, state("happy"))
    await tell(TOPICS.camera, {"status": "off"})
    await tell(TOPICS.state, state(None))
    await after(hass, hours=1)
    assert calls == []


async def test_a_template_translates_the_emotion(hass: HomeAssistant, tell: Tell) -> None:
    await tell(TOPICS.state, state("happy"))
    assert await async_setup_component(hass, "template", load_yaml_dict(str(EXAMPLES / "translated.yaml")))
    await hass.async_block_till_done()

    def shown() -> str:
        (sensor,) = (each for each in hass.states.async_all("sensor") if "ausdruck" in each.entity_id)
        return str(sensor.state)

    assert shown() == "fröhlich"
    await tell(TOPICS.state, state(None))
    assert shown() == "niemand"
    await tell(TOPICS.state, state("angry"))
    assert shown() == "wütend"
    await tell(TOPICS.availability, "offline")
    assert shown() == "unavailable"
