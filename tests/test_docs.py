"""What docs/ and examples/ tell people to copy is tried: against its schema or its settings; links lead somewhere."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING

import jsonschema
import pytest

from convert.spec import FileFacts, complete
from edge.config import Settings
from edge.mqtt import Topics
from edge.wire.messages import FrameCounts, OutboxHealth
from edge.wire.payload_types import PAYLOADS
from edge.wire.topics import Inbound
from tests.pages import DOCS, EXAMPLES, PAGES, PAYLOAD_EXAMPLES, REPOSITORY, blocks

if TYPE_CHECKING:
    from pathlib import Path

MQTT = (DOCS / "mqtt.md").read_text(encoding="utf-8")
KITCHEN = Topics("emotion-edge", "kitchen")


@pytest.mark.parametrize(("page", "name", "text"), PAYLOAD_EXAMPLES)
def test_every_payload_is_one_that_the_schema_allows(page: str, name: str, text: str) -> None:
    assert name in PAYLOADS, f"{page}: write ```json and the payload's name"
    jsonschema.Draft202012Validator(PAYLOADS[name].json_schema()).validate(json.loads(text))


def test_the_sidecar_says_all_that_an_onnx_file_cannot(tmp_path: Path) -> None:
    ((_, text),) = blocks("toml sidecar", (DOCS / "converting.md").read_text(encoding="utf-8"))
    (tmp_path / "face.toml").write_text(text, encoding="utf-8")
    spec = complete(tmp_path / "face.onnx", FileFacts(height=112, width=112, channels=3, outputs=("logits",)))
    assert len(spec.labels) == 8
    assert spec.trained["description"] == "MobileFaceNet, FER+, 40 epochs"


def test_every_payload_has_an_example() -> None:
    assert {name for page, name, _ in PAYLOAD_EXAMPLES if page == "mqtt.md"} == set(PAYLOADS)
    events = [json.loads(text) for page, name, text in PAYLOAD_EXAMPLES if (page, name) == ("mqtt.md", "event")]
    assert [event["type"] for event in events] == ["appeared", "changed", "gone"]


def test_the_table_of_topics_is_what_the_daemon_does() -> None:
    rows = re.findall(r"^\| `(.+?)` \| (\w+).*? \| (yes|no) \| (\d) \|", MQTT, re.MULTILINE)
    assert {(topic, speaker == "device", retained == "yes", int(qos)) for topic, speaker, retained, qos in rows} == {
        (topic.removeprefix(f"{KITCHEN.root}/"), not isinstance(topic, Inbound), topic.retained, topic.qos)
        for topic in KITCHEN.named.values()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        file, _, heading = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert link.startswith("https://") or target.exists(), link
        headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE) if heading else []
        # As GitHub makes them: without punctuation.
        assert not heading or heading in {
            re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-") for name in headings
        }, link


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES.glob("*.py")], ids=lambda page: page.name)
def test_pip_is_that_of_an_environment(page: Path) -> None:
    """Debian 12 and Raspberry Pi OS refuse any other: externally-managed-environment."""
    assert not re.findall(r"(?<!\.venv/bin/)(?<!python -P -m )\bpip install", page.read_text("utf-8"))


HEALTH_KEYS = {*OutboxHealth.model_fields, *FrameCounts.model_fields}
"""Keys of `health` whose part is named like a section."""


def literals() -> list[str]:
    """Return the texts in each file of the edge's code, without what is filled in, and each script."""
    found = [
        file.read_text("utf-8") for folder in ("requirements", "systemd") for file in (REPOSITORY / folder).glob("*.sh")
    ]
    for file in (REPOSITORY / "edge").rglob("*.py"):
        nodes = ast.walk(ast.parse(file.read_text("utf-8")))
        found.append(
            "\n".join(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
        )
    return found


def test_the_messages_in_troubleshooting_are_real() -> None:
    text = (DOCS / "troubleshooting.md").read_text("utf-8")
    quoted = [
        message for cell in re.findall(r"^\| (`.+?) \| ", text, re.MULTILINE) for message in re.findall("`(.+?)`", cell)
    ]
    assert len(quoted) > 10
    files = [re.sub(r"%[sdgr]|%\.\d+f", "\n", texts) for texts in literals()]
    for message in quoted:
        parts = [part.strip() for part in message.split("…") if part.strip()]
        assert any(all(part in texts for part in parts) for texts in files), message


def test_the_settings_that_pages_name_exist() -> None:
    sections = {name: field.annotation for name, field in Settings.model_fields.items()}
    for page in (page for page in PAGES if page.name != "CHANGELOG.md"):
        for section, key in re.findall(r"`([a-z]+)\.([a-z0-9_]+)", page.read_text("utf-8")):
            known = getattr(sections.get(section), "model_fields", None)
            assert known is None or key in {*known, *HEALTH_KEYS}, f"{page.name}: {section}.{key}"
