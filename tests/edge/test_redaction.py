from __future__ import annotations

import time

import pytest

from edge.redaction import redact, redact_text
from tests.addresses import SECRETS, SHOWN

each_address = pytest.mark.parametrize("address", SHOWN)


@each_address
def test_only_what_is_certainly_a_scheme_a_host_or_a_port_is_shown(address: str) -> None:
    assert redact(address) == SHOWN[address]
    assert redact(SHOWN[address]) == SHOWN[address]


@each_address
@pytest.mark.parametrize(
    "sentence",
    ["{}", "camera {!r}: gone", "lost {}; trying again", "({})", "mqtt://other: not {}, b@c", 'url="{}".', "a\n{}\nb"],
)
def test_addresses_in_a_text_are_redacted(address: str, sentence: str) -> None:
    text = sentence.format(address)
    shown = redact_text(text, [address])
    assert not any(secret in shown for secret in SECRETS)
    if "@" in address and "//" in address and "[a" not in address:
        shown = redact_text(text)
        assert not any(secret in shown for secret in SECRETS)


def test_a_text_without_an_address_stays_as_it_is() -> None:
    text = "lost mqtt://[::1]:1883 (timed out); 3 events wait, see /base/soc/i2c@1a/imx708@1: 50 %\n\t'a: b' <c> [d]\n"
    assert redact_text(text) == text


@pytest.mark.parametrize("before", ["", "(", 'url="', "Broker('", "mqtt.url="])
def test_a_name_and_quotes_before_an_address_stay(before: str) -> None:
    assert redact_text(f"a {before}mqtt://me:hush@broker:1883 b") == f"a {before}mqtt://…@broker:1883 b"


def test_what_stands_before_an_address_without_a_secret_stays() -> None:
    assert redact_text("broker:mqtt://broker:1883, b") == "broker:mqtt://broker:1883, b"
    assert redact_text("broker:mqtt://me:hush@broker, b") == "…, b"  # it may be user and password


@pytest.mark.parametrize(
    "text", ["a" * 10**5, "a:/" * 10**5, "@" * 10**5, "a://" * 10**5 + "@", "?a=" * 10**5, ":" * 10**5]
)
def test_a_long_text_takes_no_longer_than_it_is_long(text: str) -> None:
    began_s = time.process_time()
    redact(text)
    redact_text(text)
    assert time.process_time() - began_s < 5
