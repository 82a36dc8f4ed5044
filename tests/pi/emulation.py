"""Programs for 64-bit Arm as if they were this machine's own: the kernel starts QEMU for each."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pi.prerequisites import need

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

_ELF_HEADER = (
    r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00",
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
)
"""The first bytes of a program for 64-bit Arm, and which of their bits count."""

# F: the emulator is opened now, so that a chroot needs no copy. C: set-user-ID programs work. P: argv[0] is kept.
_FLAGS = "PCF"

_FORMAT = "qemu-aarch64"
"""The name by which mmdebstrap looks for it."""

_IN_A_NAMESPACE = """
echo unshared
read -r mapped
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
printf %s "$0" >/proc/sys/fs/binfmt_misc/register
exec "$@" </dev/null >&2
"""

_IDENTITY = "0 0 65536"
"""A user namespace's users and groups: the host's."""


def run_with_arm_programs(command: Sequence[str | PathLike[str]]) -> None:
    """Run a command whose children may be programs for 64-bit Arm.

    Where the kernel runs these already, the command is run as it is. Elsewhere it gets a user namespace, which from
    Linux 6.7 on has formats of programs of its own, so that nothing of the host is changed. Where that does not work
    either, the rung is skipped.

    Raises:
        CalledProcessError: The command failed.
    """
    works = [need("arch-test"), "arm64"]
    if subprocess.run(works, capture_output=True, check=False).returncode == 0:
        subprocess.run(command, check=True)
    elif _in_a_namespace(works):
        pytest.skip("RUNG NOT RUN: this kernel runs no Arm programs; 'apt install binfmt-support' lets it")
    elif failed := _in_a_namespace(command):
        raise subprocess.CalledProcessError(failed, command)


def _in_a_namespace(command: Sequence[str | PathLike[str]]) -> int:
    """Run a command in a user namespace that has the format, and return its exit status."""
    rule = f":{_FORMAT}:M::{':'.join(_ELF_HEADER)}:{need('qemu-aarch64-static')}:{_FLAGS}"
    alone = ("unshare", "--user", "--mount", "--propagation", "private", "sh", "-euc", _IN_A_NAMESPACE)
    with subprocess.Popen([*alone, rule, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        if child.stdout.readline():  # before that it is in the host's namespace
            for ids in ("uid_map", "gid_map"):
                Path(f"/proc/{child.pid}/{ids}").write_text(_IDENTITY, encoding="ascii")
        child.communicate("mapped\n")
    return child.returncode
