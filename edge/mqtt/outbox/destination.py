"""Which broker and topic a waiting event is for, so that no other broker gets it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.config import Broker


def destination(broker: Broker, root: str) -> str:
    """Return what names a broker and a device's topics there, the same after every restart.

    It holds scheme, host, port, the base topic with the device's name, and a hash of the user: the user may be a secret
    (an access token), and the name is kept in a file.

    Args:
        broker: A broker on the network.
        root: What the device's topics lie below.
    """
    user = "" if broker.user is None else "#" + hashlib.sha256(broker.user.encode()).hexdigest()[:16]
    return f"{broker}/{root}{user}"
