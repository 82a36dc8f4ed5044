"""The serial ports of a virtual machine, each a socket of this host: one takes shell scripts, another gives lines."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from base64 import b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PORT = "/dev/virtio-ports/lab"
"""In the guest: what is written there arrives here at once."""

SHELL = {
    "etc/systemd/system/lab-shell.service": """[Service]
ExecStart=/bin/sh /etc/lab-shell
[Install]
WantedBy=multi-user.target
""",
    # On a busy host the port comes later than systemd waits for a device. Nothing can be read without a connection.
    "etc/lab-shell": """until [ -e /dev/virtio-ports/shell ]; do
    sleep 0.5
done
exec 0<>/dev/virtio-ports/shell >&0
while :; do
    if IFS= read -r line; then
        sh -c "$(echo "$line" | base64 -d)" 2>&1 </dev/null
        printf '\\nlab-end %s\\n' $?
    else
        sleep 0.5
    fi
done
""",
}
"""Files of a machine that takes shell scripts by `ask`."""


def ask(port: Path, script: str, patience_s: float) -> tuple[int, str]:
    """Run a shell script in a machine as root, once it has booted, and return its exit status and what it wrote.

    Raises:
        ConnectionError: The machine ended.
        TimeoutError: It wrote nothing for so long.
    """
    with _connected(port) as connection:
        connection.settimeout(patience_s)
        connection.sendall(b64encode(script.encode()) + b"\n")
        written = b""
        while not (found := re.search(rb"\nlab-end (\d+)\n\Z", written[-20:])):
            received = connection.recv(1 << 16)
            if not received:
                message = f"the machine ended at: {script}"
                raise ConnectionError(message)
            written += received
    return int(found[1]), written[: -len(found[0])].decode("utf-8", "replace")


def lines(port: Path) -> Iterator[str]:
    """Yield whole lines from the machine until its power is cut."""
    with _connected(port) as connection, connection.makefile("rb") as file, contextlib.suppress(ConnectionResetError):
        yield from (line.decode("utf-8", "replace").rstrip() for line in file if line.endswith(b"\n"))


def _connected(port: Path) -> socket.socket:
    """Return a connection to a port of a machine that was just switched on.

    Raises:
        OSError: There is none after half a minute.
    """
    until = time.monotonic() + 30
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(os.fspath(port))
        except OSError:
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return connection
