"""Check of the broker: log in as the daemon does, publish, read back; say which step fails and what to do."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edge.doctor.finding import Finding
from edge.mqtt.client_id import object_id
from edge.mqtt.failure import Failure
from edge.mqtt.round_trip import PATIENCE_S, RoundTrip, round_trip
from edge.system.packages import REQUIREMENTS, pip_install
from edge.wire.topics import HomeAssistantTopics, Topics

if TYPE_CHECKING:
    from edge.config import Broker, MqttConfig, Settings

_NAME = "broker"
_LOCAL = {"localhost", "127.0.0.1", "::1"}
_SBIN = "/usr/sbin:/usr/local/sbin"

_MAY_PASS = {Failure.FILES, Failure.NAME, Failure.CLOSED, Failure.UNREACHABLE, Failure.SILENT}
"""A broker or a network that is away may come back, and a systemd credential exists only while the service runs."""

_COSTS_COMMANDS = {Failure.SUBSCRIBE, Failure.LOST}
"""Events go out; what may be lost are commands to the device."""


def broker(mqtt: MqttConfig, patience_s: float = PATIENCE_S, *, password: str | None = None) -> Finding:
    """Return whether the broker takes what the daemon sends, tried with one message that is not retained.

    Args:
        mqtt: Which broker, and below which topics.
        patience_s: Seconds for each of the broker's answers; two of them where it never answers.
        password: What systemd hands on in place of `password_file`, which exists only while the service runs.
    """
    address = mqtt.broker
    if address.kind == "none":
        return Finding(_NAME, "ok", "none: nothing is published, as configured")
    if address.kind == "embedded":
        if find_spec("amqtt") is None:
            fix = pip_install(REQUIREMENTS["amqtt"])
            return Finding(_NAME, "broken", "the embedded broker is not installed", fix)
        return Finding(_NAME, "ok", "the embedded one")
    trip = round_trip(mqtt, patience_s, password=password)
    below = f"{Topics(mqtt.base_topic, mqtt.device).root}/"
    if trip.failure is None:
        version = "MQTT 5" if trip.mqtt5 else "MQTT 3.1.1"
        found = f"{address}: logged in ({version}), published below {below} and read back in {trip.answer_ms:.0f} ms"
        return Finding(_NAME, "ok", found)
    found, fix = _explained(trip, trip.failure, mqtt, below)
    passes = trip.failure in _MAY_PASS or (trip.failure in _COSTS_COMMANDS and trip.mqtt5)
    return Finding(_NAME, "warning" if passes else "broken", f"{address}: {found}", fix)


def announcement(settings: Settings) -> Finding:
    """Return where Home Assistant is told of the device: a broker's access list has to name that topic."""
    root = Topics(settings.mqtt.base_topic, settings.mqtt.device).root
    topic = HomeAssistantTopics(settings.homeassistant.prefix, object_id(root)).config
    state = "enabled" if settings.homeassistant.enabled else "disabled"
    return Finding("Home Assistant", "ok", f"{state}; the device's topic there is {topic}")


_WHO = {"not authorized", "bad user name or password", "bad authentication method"}
"""Reasons that have to do with user and password."""

_PORTS = "1883 unless the broker has another (8883 with mqtts://)"
_RULES = "let this user publish and read {below}# in the broker's access list (mosquitto: acl_file)"

_TEXTS: dict[Failure, tuple[str, str]] = {
    Failure.FILES: ("not tried: {reason}", "see the check of the files"),
    Failure.NAME: ("the name {host} is not found ({reason})", "{name}"),
    Failure.CLOSED: ("nothing listens at port {port} ({reason})", "{closed}"),
    Failure.UNREACHABLE: ("{host} cannot be reached: {reason}", "ping {host}  # then check the network, and mqtt.url"),
    Failure.SILENT: (
        "no answer in time ({reason})",
        "ping {host}  # if it answers: restart the broker, and look for a firewall",
    ),
    Failure.NOT_TLS: (
        "the port does not speak TLS ({reason})",
        "write mqtt:// in mqtt.url, or the port of the broker's TLS listener",
    ),
    Failure.TLS: (
        "the port speaks TLS, and the address does not say so",
        "write mqtts:// in mqtt.url, and its port unless that is 8883",
    ),
    Failure.CERTIFICATE: ("TLS: the broker's certificate is not trusted: {reason}", "{certificate}"),
    Failure.OTHER_HOST: (
        "TLS: {reason}",
        "write the name that the broker's certificate has in mqtt.url, or give the broker another certificate",
    ),
    Failure.OWN_CERTIFICATE: (
        "TLS: it refuses this device's certificate, or the lack of one ({reason})",
        "set mqtt.cert_file and mqtt.key_file to a certificate that the broker's authority signed",
    ),
    Failure.NOT_MQTT: ("the port speaks no MQTT, it says {reason!r}", f"correct the port in mqtt.url: {_PORTS}"),
    Failure.MUTE: (
        "it closes the connection without an answer: it speaks no MQTT, or bars this device ({reason})",
        f"correct the port in mqtt.url: {_PORTS}; or look at the broker's log",
    ),
    Failure.LOGIN: ("it refuses the login: {reason}", "{login}"),
    Failure.SUBSCRIBE: ("logged in, but reading is denied: {reason}", _RULES),
    Failure.PUBLISH: ("logged in, but publishing below {below} is denied: {reason}", _RULES),
    Failure.LOST: (
        "logged in and published, but the message did not come back: {lost} below {below} is denied",
        _RULES,
    ),
}
"""What failed, and what to do, for a person."""


def _explained(trip: RoundTrip, failure: Failure, mqtt: MqttConfig, below: str) -> tuple[str, str]:
    words = {
        "host": mqtt.broker.host,
        "port": mqtt.broker.port,
        "reason": trip.reason,
        "below": below,
        "lost": "reading" if trip.mqtt5 else "publishing or reading",
        "name": _fix_of_name(mqtt.broker.host),
        "closed": _fix_of_closed(mqtt.broker),
        "certificate": _fix_of_certificate(trip.reason),
        "login": _fix_of_login(mqtt, trip.reason),
    }
    found, fix = _TEXTS[failure]
    return found.format(**words), fix.format(**words)


def _fix_of_name(host: str) -> str:
    if host.endswith(".local"):
        return "sudo apt install avahi-daemon libnss-mdns  # or write the broker's IP address in mqtt.url"
    return f"getent hosts {host}  # correct the name in mqtt.url, or write the broker's IP address"


def _fix_of_closed(address: Broker) -> str:
    if address.host not in _LOCAL:
        return (
            f"start the broker at {address.host} and let it listen to the network (mosquitto: a line "
            f"'listener {address.port}'), or correct mqtt.url"
        )
    installed = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SBIN)
    if not installed:
        return "sudo apt install mosquitto"
    return "sudo systemctl start mosquitto  # or correct the port in mqtt.url"


def _fix_of_certificate(reason: str) -> str:
    if "not yet valid" in reason:
        return "sudo timedatectl set-ntp true  # this machine's clock is behind, or the broker's was ahead"
    if "expired" in reason:
        return "give the broker a new certificate, or set this machine's clock: sudo timedatectl set-ntp true"
    return "set mqtt.ca_file to the certificate of the authority that signed the broker's"


def _fix_of_login(mqtt: MqttConfig, reason: str) -> str:
    if reason not in _WHO:
        return "look at the broker's log: it does not refuse because of the user or the password"
    if not mqtt.broker.user:
        return "give the broker a user: mqtt.url = 'mqtt://user@host', and its password in mqtt.password_file"
    if not mqtt.password_file:
        return "put the user's password into a file, and name it in mqtt.password_file"
    return "correct the user in mqtt.url, or the password in mqtt.password_file (mosquitto: mosquitto_passwd sets it)"
