"""TLS between doctor and a broker: each way to get it wrong."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.broker import HOST, Mosquitto
from tests.certificates import needs_openssl
from tests.edge.doctor.test_broker import look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.certificates import Authority

pytestmark = needs_openssl


@pytest.fixture
def secured(tmp_path: Path, authority: Authority) -> Iterator[Callable[..., str]]:
    with contextlib.ExitStack() as brokers:

        def start(name: str, *options: str) -> str:
            broker = brokers.enter_context(Mosquitto(tmp_path, options=[*authority.options(name), *options]))
            return f"mqtts://{HOST}:{broker.port}"

        yield start


def test_through_tls_with_a_certificate_of_its_own(authority: Authority, secured: Callable[..., str]) -> None:
    url, ca_file = secured("broker", "require_certificate true"), authority.folder / "ca.pem"
    own = {"cert_file": authority.folder / "device.pem", "key_file": authority.folder / "device.key"}
    assert look(url, ca_file=ca_file, **own).status == "ok"
    without = look(url, ca_file=ca_file)
    assert without.status == "broken"
    assert "refuses this device's certificate, or the lack of one" in without.found
    assert "mqtt.cert_file" in (without.fix or "")


@pytest.mark.parametrize(
    ("name", "trusted", "said", "fix"),
    [
        ("broker", False, "certificate is not trusted: self-signed certificate", "mqtt.ca_file"),
        ("elsewhere", True, "IP address mismatch", "certificate has in mqtt.url"),
        ("expired", True, "certificate has expired", "new certificate"),
    ],
)
def test_a_wrong_certificate(
    authority: Authority, secured: Callable[..., str], name: str, said: str, fix: str, *, trusted: bool
) -> None:
    finding = look(secured(name), **({"ca_file": authority.folder / "ca.pem"} if trusted else {}))
    assert finding.status == "broken"
    assert said in finding.found.replace("self signed", "self-signed")
    assert fix in (finding.fix or "")


def test_tls_and_no_tls_mixed_up(mosquitto: Mosquitto, authority: Authority, tmp_path: Path) -> None:
    plain = look(mosquitto.url.replace("mqtt://", "mqtts://"), ca_file=authority.folder / "ca.pem")
    assert (plain.status, "does not speak TLS" in plain.found) == ("broken", True)
    (tmp_path / "other").mkdir()
    with Mosquitto(tmp_path / "other", options=authority.options("broker")) as broker:
        secured = look(broker.url)
    assert (secured.status, "the port speaks TLS" in secured.found) == ("broken", True)
    assert "mqtts://" in (secured.fix or "")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    finding = look(f"mqtts://{HOST}", ca_file=tmp_path / "absent.pem")
    assert finding.status == "warning"
    assert "not tried: mqtt.ca_file" in finding.found


def test_a_tls_broker_that_is_stopped_is_a_warning(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paho.mqtt.client.Client.connect_timeout", 0.5)
    with Mosquitto(tmp_path, options=authority.options("broker")) as broker:
        broker.pause()
        finding = look(f"mqtts://{HOST}:{broker.port}", ca_file=authority.folder / "ca.pem")
        broker.resume()
    assert (finding.status, "no answer in time" in finding.found) == ("warning", True)
