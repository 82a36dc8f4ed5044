"""The names by which a broker and Home Assistant know this device."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from pathlib import Path


def client_id(root: str, machine_id_file: Path = Path("/etc/machine-id")) -> str:
    """Return a client id that no other device has: two clients with one id throw each other off the broker.

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


def object_id(root: str) -> str:
    """Return a name for the device in letters, digits, ``_`` and ``-`` alone, which never changes.

    Args:
        root: What the device's topics lie below. Its hash keeps apart what the letters alone would not.
    """
    letters = re.sub(r"[^A-Za-z0-9]+", "_", root).strip("_")
    return f"{letters}_{hashlib.sha256(root.encode()).hexdigest()[:8]}"
