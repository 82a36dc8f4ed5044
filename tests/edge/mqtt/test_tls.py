from __future__ import annotations

import logging
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from edge.config import MqttConfig, OutboxConfig
from edge.errors import ConfigError
from edge.mqtt import MqttClient, Outbox
from tests.broker import Mosquitto, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.events import FaceEvent

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def openssl(*arguments: str, folder: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an authority, and a broker's and a device's certificate that it signed; NAME.pem with NAME.key."""
    folder = tmp_path_factory.mktemp("certificates")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch")
    openssl(
        "req",
        "-x509",
        *key,
        "-subj",
        "/CN=authority",
        "-addext",
        "keyUsage=critical,keyCertSign",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        folder=folder,
    )
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    for name in ("broker", "device"):
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr", folder=folder)
        signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-out", f"{name}.pem", folder=folder)
    return folder


def secured(folder: Path, certificates: Path) -> Mosquitto:
    files = {"cafile": "ca.pem", "certfile": "broker.pem", "keyfile": "broker.key"}
    options = [f"{option} {certificates / file}" for option, file in files.items()]
    return Mosquitto(folder, options=[*options, "require_certificate true"])


def test_events_pass_through_tls_with_a_certificate_of_the_devices_own(
    tmp_path: Path, certificates: Path, publish_to: Callable[..., MqttClient], event: Callable[[int], FaceEvent]
) -> None:
    outbox = Outbox(OutboxConfig())
    with secured(tmp_path, certificates) as broker:
        client = publish_to(
            f"mqtts://127.0.0.1:{broker.port}",
            outbox=outbox,
            ca_file=certificates / "ca.pem",
            cert_file=certificates / "device.pem",
            key_file=certificates / "device.key",
        )
        client.start()
        for sequence in range(200):
            client.publish_event(event(sequence), time.monotonic())
        wait_until(lambda: outbox.depth == 0)
        client.close()
        wait_until(lambda: "Received DISCONNECT from edge" in broker.log)


def test_a_broker_that_nobody_trusted_vouches_for_gets_nothing(
    tmp_path: Path, certificates: Path, publish_to: Callable[..., MqttClient], caplog: pytest.LogCaptureFixture
) -> None:
    with secured(tmp_path, certificates) as broker:
        client = publish_to(f"mqtts://127.0.0.1:{broker.port}")
        client.start()
        wait_until(lambda: client.refused is not None)
        time.sleep(0.3)  # further attempts
        assert client.refused is not None
        assert "certificate is not trusted" in client.refused
        assert not client.connected
        # Counted while the broker is there: that it goes is said as well.
        assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    assert "mqtt.ca_file" in caplog.text


def test_a_device_with_no_certificate_is_kept_out(
    tmp_path: Path, certificates: Path, publish_to: Callable[..., MqttClient], caplog: pytest.LogCaptureFixture
) -> None:
    with secured(tmp_path, certificates) as broker:
        client = publish_to(f"mqtts://127.0.0.1:{broker.port}", ca_file=certificates / "ca.pem")
        client.start()
        wait_until(lambda: "events are kept" in caplog.text)
        assert not client.connected


@pytest.mark.parametrize("broken", ["ca_file", "cert_file"])
def test_a_file_that_is_no_certificate_is_told_at_once(tmp_path: Path, certificates: Path, broken: str) -> None:
    text = tmp_path / "text"
    text.write_text("not a certificate")
    files = {"cert_file": certificates / "device.pem", "key_file": certificates / "device.key"} | {broken: text}
    config = MqttConfig.model_validate({"url": "mqtts://localhost", **files})
    with pytest.raises(ConfigError, match=broken):
        MqttClient(config, Outbox(OutboxConfig()))
