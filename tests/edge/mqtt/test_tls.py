from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from edge.config import MqttConfig, OutboxConfig
from edge.errors import ConfigError
from edge.mqtt import MqttClient, Outbox
from edge.mqtt.tls_hint import speaks_tls
from tests.broker import Mosquitto, wait_until
from tests.certificates import needs_openssl
from tests.logged import warnings_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.wire.messages import FaceEvent
    from tests.certificates import Authority

pytestmark = needs_openssl


def secured(folder: Path, authority: Authority) -> Mosquitto:
    return Mosquitto(folder, options=[*authority.options("broker"), "require_certificate true"])


def test_events_pass_through_tls_with_a_certificate_of_the_devices_own(
    tmp_path: Path, authority: Authority, publish_to: Callable[..., MqttClient], event: Callable[[int], FaceEvent]
) -> None:
    outbox = Outbox(OutboxConfig())
    with secured(tmp_path, authority) as broker:
        client = publish_to(
            f"mqtts://127.0.0.1:{broker.port}",
            outbox=outbox,
            ca_file=authority.folder / "ca.pem",
            cert_file=authority.folder / "device.pem",
            key_file=authority.folder / "device.key",
        )
        client.start()
        for sequence in range(200):
            client.publish_event(event(sequence), time.monotonic())
        wait_until(lambda: outbox.status.depth == 0)
        client.close()
        wait_until(lambda: "Received DISCONNECT from edge" in broker.log)


@pytest.mark.parametrize("options", [[], ["require_certificate true"], ["tls_version tlsv1.3"]])
def test_a_plain_connection_to_a_tls_port_is_told_what_to_write(
    tmp_path: Path,
    authority: Authority,
    publish_to: Callable[..., MqttClient],
    caplog: pytest.LogCaptureFixture,
    *,
    options: list[str],
) -> None:
    with Mosquitto(tmp_path, options=[*authority.options("broker"), *options]) as broker:
        client = publish_to(broker.url)
        client.start()
        wait_until(lambda: warnings_of(caplog))
        time.sleep(0.5)  # further attempts
        (told,) = warnings_of(caplog)
        assert told.startswith(f"cannot reach {broker.url}: ")
        assert "that port speaks TLS: write mqtts://" in told
        assert broker.log.count("New connection") < 20  # it is found out once


def test_a_tls_connection_to_a_plain_port_is_told_what_to_write(
    tmp_path: Path, authority: Authority, publish_to: Callable[..., MqttClient], caplog: pytest.LogCaptureFixture
) -> None:
    with Mosquitto(tmp_path) as broker:
        client = publish_to(f"mqtts://127.0.0.1:{broker.port}", ca_file=authority.folder / "ca.pem")
        client.start()
        wait_until(lambda: warnings_of(caplog))
        (told,) = warnings_of(caplog)
        assert "nothing speaks TLS at that port" in told
        assert "mqtt://" in told


def test_a_port_that_speaks_neither_gets_no_hint() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not speaks_tls("127.0.0.1", port, wait_s=0.1)  # nobody answers
    assert not speaks_tls("127.0.0.1", port, wait_s=0.1)  # nobody is there


def test_a_broker_that_nobody_trusted_vouches_for_gets_nothing(
    tmp_path: Path, authority: Authority, publish_to: Callable[..., MqttClient], caplog: pytest.LogCaptureFixture
) -> None:
    with secured(tmp_path, authority) as broker:
        client = publish_to(f"mqtts://127.0.0.1:{broker.port}")
        client.start()
        wait_until(lambda: client.refused is not None)
        time.sleep(0.3)  # further attempts
        assert client.refused is not None
        assert "certificate is not trusted" in client.refused
        assert not client.connected
        # Counted while the broker is there: that it goes is said as well.
        assert len(warnings_of(caplog)) == 1
    assert "mqtt.ca_file" in caplog.text


def test_a_device_with_no_certificate_is_kept_out(
    tmp_path: Path, authority: Authority, publish_to: Callable[..., MqttClient], caplog: pytest.LogCaptureFixture
) -> None:
    with secured(tmp_path, authority) as broker:
        client = publish_to(f"mqtts://127.0.0.1:{broker.port}", ca_file=authority.folder / "ca.pem")
        client.start()
        wait_until(lambda: "events are kept" in caplog.text)
        assert not client.connected


@pytest.mark.parametrize("broken", ["ca_file", "cert_file"])
def test_a_file_that_is_no_certificate_is_told_at_once(tmp_path: Path, authority: Authority, broken: str) -> None:
    text = tmp_path / "text"
    text.write_text("not a certificate")
    files = {"cert_file": authority.folder / "device.pem", "key_file": authority.folder / "device.key"} | {broken: text}
    config = MqttConfig.model_validate({"url": "mqtts://localhost", **files})
    with pytest.raises(ConfigError, match=broken):
        MqttClient(config, Outbox(OutboxConfig()))


@pytest.mark.parametrize("key", ["ca_file", "cert_file", "key_file"])
def test_a_fifo_in_place_of_a_certificate_is_told_at_once(tmp_path: Path, authority: Authority, key: str) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    files = {"cert_file": authority.folder / "device.pem", "key_file": authority.folder / "device.key"} | {key: fifo}
    config = MqttConfig.model_validate({"url": "mqtts://localhost", **files})
    with pytest.raises(ConfigError, match=rf"mqtt\.{key}: .*fifo: this is not a regular file"):
        MqttClient(config, Outbox(OutboxConfig()))
