"""A Debian that systemd has booted, in a container with a network of its own that reaches nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.pi.prerequisites import need
from tests.pi.system import System

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

# The host's own control groups may be of the first version, and its PID 1 may be no systemd: neither is touched.
_BOOT = """
if mountpoint --quiet /sys/fs/cgroup; then umount --recursive /sys/fs/cgroup; fi
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec "$@"
"""

_ENVIRONMENT = ("env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/root")


@dataclass
class Container(System):
    """Boots on entry, and is ended on exit."""

    root: Path
    read_only: dict[Path, str] = field(default_factory=dict)
    """Folders of the host that it sees, and where."""

    options: tuple[str, ...] = ()
    """Further ones of systemd-nspawn."""

    patience_s: float = 300.0

    def __enter__(self) -> Self:
        """Boot, and wait until systemd takes orders."""
        binds = [f"--bind-ro={folder}:{at}" for folder, at in self.read_only.items()]
        self._log = (self.root.parent / f"{self.root.name}.console").open("wb")
        self._nspawn = subprocess.Popen(
            [
                *("unshare", "--mount", "--propagation", "private", "sh", "-eu", "-c", _BOOT, "sh"),
                *(need("systemd-nspawn"), "--quiet", "--directory", self.root, "--register=no", "--keep-unit"),
                *("--machine", f"lab{os.getpid()}", "--boot", "--console=pipe", "--private-network"),
                *binds,
                *self.options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        until = time.monotonic() + self.patience_s
        while not self._is_up():
            if self._nspawn.poll() is not None or time.monotonic() > until:
                self.__exit__(None, None, None)
                message = f"{self.root} did not boot:\n{self.console()[-2000:]}"
                raise RuntimeError(message)
            time.sleep(0.2)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End its first process, and all others with it; nobody reads its files afterwards."""
        with contextlib.suppress(RuntimeError):  # it has ended
            os.kill(self._leader(), signal.SIGKILL)  # it would survive systemd-nspawn
        self._nspawn.kill()
        self._nspawn.wait(30)
        self._log.close()

    def console(self) -> str:
        """Return what it wrote on its console."""
        return Path(self._log.name).read_text(encoding="utf-8", errors="replace")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in it as root."""
        done = subprocess.run(
            [
                "nsenter",
                "-t",
                str(self._leader()),
                "-m",
                "-u",
                "-i",
                "-p",
                "-n",
                "-C",
                "-r",
                "-w",
                *_ENVIRONMENT,
                *command,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=self.patience_s,
        )
        if check:
            assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def _leader(self) -> int:
        """Return the number of its first process, as the host sees it.

        Raises:
            RuntimeError: There is none.
        """
        waiting = [self._nspawn.pid]
        while waiting:
            parent = waiting.pop()
            for task in Path(f"/proc/{parent}/task").glob("*/children"):
                for child in map(int, task.read_text(encoding="utf-8").split()):
                    if _namespace(child) != _namespace(self._nspawn.pid):
                        return child
                    waiting.append(child)
        message = "the container has ended"
        raise RuntimeError(message)

    def _is_up(self) -> bool:
        try:
            return self.out("systemctl", "is-system-running") in {"running", "degraded"}
        except (RuntimeError, FileNotFoundError):
            return False


def _namespace(process: int) -> str:
    return str(Path(f"/proc/{process}/ns/pid").readlink())
