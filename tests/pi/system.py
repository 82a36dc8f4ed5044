"""A Debian that systemd has booted and that takes commands, whether in a container or in a machine of its own."""

from __future__ import annotations

import shlex
import time
from abc import ABC, abstractmethod
from base64 import b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subprocess import CompletedProcess


class System(ABC):
    """What runs the installed service."""

    patience_s: float
    """More than the boot takes, or any command, or what a test waits for."""

    @abstractmethod
    def run(self, *command: str, check: bool = True) -> CompletedProcess[str]:
        """Run a command in it as root.

        Raises:
            AssertionError: It failed, and `check` is True.
        """

    def out(self, *command: str) -> str:
        """Return what a command says, whatever it returns."""
        return self.run(*command, check=False).stdout.strip()

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        self.run("sh", "-c", f"echo {b64encode(text.encode()).decode()} | base64 -d >{shlex.quote(path)}")

    def show(self, unit: str, name: str) -> str:
        """Return one of systemd's properties of a unit."""
        return self.out("systemctl", "show", "--property", name, "--value", unit)

    def journal(self, unit: str, *options: str) -> list[str]:
        """Return the lines that the journal has of a unit."""
        return self.out("journalctl", "--unit", unit, "--output", "cat", "--no-pager", *options).splitlines()

    def wait(self, unit: str, name: str, wanted: str) -> None:
        """Wait until a property has a value.

        Raises:
            AssertionError: It never has.
        """
        until = time.monotonic() + self.patience_s
        while (found := self.show(unit, name)) != wanted:
            assert time.monotonic() < until, f"{unit}: {name} is {found}, not {wanted}:\n" + "\n".join(
                self.journal(unit)[-20:]
            )
            time.sleep(0.3)
