"""The name by which a broker knows this device."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from pathlib import Path


def client_id(root: str, machine_id_file: Path = Path("/etc/machine-id")) -> str:
    """Give a name that no other device has: two of one name throw each other off the broker.

    The machine id is confidential, so only its keyed hash goes out (machine-id(5)). 23 letters and
    digits are what every MQTT 3.1.1 broker must accept.

    Args:
        root: What the device's topics lie below.
        machine_id_file: Its absence (containers) leaves the network card's address.
    """
    try:
        machine = machine_id_file.read_bytes().strip()
    except OSError:
        machine = b""
    digest = hmac.new(machine or uuid.getnode().to_bytes(6, "big"), f"emotion-edge/{root}".encode(), hashlib.sha256)
    return f"edge{digest.hexdigest()[:19]}"
