from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from edge.wire import schemas
from edge.wire.messages import Box, BrokerHealth, CameraStatus, Face, FaceEvent, FrameSize, State
from edge.wire.payload_types import PAYLOADS

FACE = Face(id=7, box=Box(x=212, y=96, width=131, height=131), frame=FrameSize(width=640, height=480))
MOMENT = datetime(2026, 11, 22, 4, 14, 15, 926999, tzinfo=timezone(timedelta(hours=1)))


def event(**changes: object) -> FaceEvent:
    values: dict[str, object] = {
        "type": "changed",
        "device": "kitchen",
        "session": "01JD",
        "sequence": 42,
        "captured_at": MOMENT,
        "face": FACE,
        "emotion": "happy",
        "confidence": 0.91,
        "previous": "neutral",
        "lasted_s": 12.4,
        "probabilities": {"happy": 0.91, "neutral": 0.09},
    }
    return FaceEvent.model_validate(values | changes)


def test_the_wire_format_is_the_contract() -> None:
    assert json.loads(event().to_json()) == {
        "schema": 1, "type": "changed", "device": "kitchen", "session": "01JD", "sequence": 42,
        "captured_at": "2026-11-22T03:14:15.926Z",
        "face": {"id": 7, "box": {"x": 212, "y": 96, "width": 131, "height": 131},
                 "frame": {"width": 640, "height": 480}},
        "emotion": "happy", "confidence": 0.91, "previous": "neutral", "lasted_s": 12.4,
        "probabilities": {"happy": 0.91, "neutral": 0.09},
    }  # fmt: skip


def test_a_file_whose_name_is_no_utf_8_is_named_all_the_same() -> None:
    name = os.fsdecode(b"z\xff.png")
    camera = CameraStatus(device="kitchen", session="01JD", status="offline", reason=f"no image: {name}", since=MOMENT)
    assert json.loads(camera.to_json())["reason"] == "no image: z?.png"
    assert "z?.png" in BrokerHealth(reconnects=0, refused=name).model_dump_json()


def test_what_does_not_apply_is_absent() -> None:
    appeared = json.loads(event(type="appeared", previous=None, lasted_s=None).to_json())
    assert {"previous", "lasted_s", "synthetic"}.isdisjoint(appeared)
    assert json.loads(event(synthetic=True).to_json())["synthetic"] is True


def test_nobody_there_is_said_as_null() -> None:
    state = State(
        device="d", session="s", captured_at=datetime.now(UTC), frame=None, emotion=None, confidence=None, faces=()
    )
    told = json.loads(state.to_json())
    assert told["emotion"] is None
    assert told["faces"] == []


def test_what_is_written_reads_back() -> None:
    again = FaceEvent.model_validate_json(event().to_json())
    assert again.to_json() == event().to_json()


@pytest.mark.parametrize("name", PAYLOADS)
def test_every_schema_is_a_valid_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(PAYLOADS[name].json_schema())


@pytest.mark.parametrize(
    ("change", "where"),
    [({"sequence": -1}, "sequence"), ({"confidence": 1.1}, "confidence"), ({"type": "moved"}, "type")],
)
def test_the_schema_refuses_what_is_wrong(change: dict[str, object], where: str) -> None:
    payload = json.loads(event().to_json()) | change
    with pytest.raises(jsonschema.ValidationError) as caught:
        jsonschema.validate(payload, FaceEvent.json_schema())
    assert where in caught.value.json_path
    with pytest.raises(ValidationError):
        event(**change)


def test_the_schema_refuses_unknown_keys() -> None:
    payload = json.loads(event().to_json()) | {"picture": "…"}
    with pytest.raises(jsonschema.ValidationError, match="picture"):
        jsonschema.validate(payload, FaceEvent.json_schema())


@pytest.mark.parametrize(("name", "text"), schemas.texts().items())
def test_the_schemas_that_subscribers_read_are_up_to_date(name: str, text: str) -> None:
    kept = Path(__file__).parents[3] / "docs" / "schemas" / name
    assert kept.read_text() == text, "run 'make schemas'"
