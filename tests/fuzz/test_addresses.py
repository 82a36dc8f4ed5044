"""Any address, right or wrong, shows no secret, and is refused with a sentence or read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.camera.source import parse_source
from edge.config import parse_broker
from edge.errors import CameraError, ConfigError
from edge.redaction import redact, redact_text
from tests.fuzz.values import SECRET, address, text

if TYPE_CHECKING:
    from tests.fuzz.conftest import Fuzz


def test_no_secret_is_shown(fuzz: Fuzz) -> None:
    for case in fuzz.cases(4000):
        written = address(case)
        shown = redact(written)
        assert SECRET not in shown, written
        assert redact(shown) == shown, written
        sentence = f"lost {written!r}, after {written}; trying mqtt://other:1883 again"
        assert SECRET not in redact_text(sentence, [written]), written
        if "://" in written and not any(each.isspace() for each in written):
            assert SECRET not in redact_text(sentence), written


def test_a_refusal_shows_no_secret(fuzz: Fuzz) -> None:
    for case in fuzz.cases(4000):
        written = address(case)
        for parse in (parse_broker, parse_source):
            try:
                parse(written)
            except (ValueError, ConfigError, CameraError) as error:
                assert SECRET not in str(error), written  # noqa: PT017  # most are refused, not all
                assert str(error).isprintable(), written  # noqa: PT017


def test_any_text_can_be_redacted(fuzz: Fuzz) -> None:
    for case in fuzz.cases(1500):
        written = text(case, 60)
        assert redact(redact(written)) == redact(written)
        assert redact_text(redact_text(written)) == redact_text(written)
        for parse in (parse_broker, parse_source):
            try:
                parse(written)
            except (ValueError, ConfigError, CameraError) as error:
                assert len(str(error)) < 3000, written  # noqa: PT017  # as above
