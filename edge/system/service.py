"""The installed service: its user, what it may see, and where systemd takes its password from."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.files import read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

USER = "emotion-edge"

UNITS = tuple(Path(folder) / "emotion-edge.service" for folder in ("/etc/systemd/system", "/lib/systemd/system"))
"""Where the installer, or a Debian package, puts the unit."""

CREDENTIALS = Path("/run/credentials")
"""Where systemd puts the credentials of a service while it runs, in a folder named like the unit."""

CREDENTIAL_STORE = Path("/etc/credstore")
"""Where systemd takes them from: ``LoadCredential=`` of the unit."""

PRIVATE_TMP = "PrivateTmp="
"""The directive that gives the service folders for temporary files of its own, which it may write to."""

_HIDDEN = {
    **dict.fromkeys(("/home", "/root", "/run/user"), "ProtectHome="),
    **dict.fromkeys(("/tmp", "/var/tmp"), PRIVATE_TMP),  # noqa: S108  # names, not used
}
"""The folders that the unit hides, with the directive."""


def installed_user(units: Sequence[Path] = UNITS) -> pwd.struct_passwd | None:
    """Return the user as whom the service runs; None where it is not installed."""
    if not any(unit.exists() for unit in units):
        return None
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        return None


def drop_privileges(user: pwd.struct_passwd) -> bool:
    """Have this process go on as another user, with its groups, for good. Only root may.

    Returns:
        False, with nothing changed, if that user may not read this program: what is imported later would fail.
    """
    groups = [user.pw_gid, *(group.gr_gid for group in grp.getgrall() if user.pw_name in group.gr_mem)]
    import_it = [sys.executable, "-P", "-c", "import edge.errors"]
    try:
        subprocess.run(
            import_it, user=user.pw_uid, group=user.pw_gid, extra_groups=groups, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    os.setgroups(groups)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    return True


def password_file(instance: str | None) -> Path:
    """Return what ``mqtt.password_file`` has to name for a password that systemd hands on."""
    return CREDENTIALS / f"emotion-edge{f'@{instance}' if instance else ''}.service" / "mqtt-password"


def password_source(file: Path) -> Path:
    """Return where systemd takes a password from that it hands on as a file, see `password_file`."""
    return CREDENTIAL_STORE / f"{file.parent.name.removesuffix('.service')}.mqtt-password"


def hidden_by(file: Path) -> tuple[str, str] | None:
    """Return the folder that the unit hides from the service, with the directive, if a file is in one; else None."""
    parents = {str(parent) for path in (file.absolute(), Path(os.path.realpath(file))) for parent in path.parents}
    return next(((folder, directive) for folder, directive in _HIDDEN.items() if folder in parents), None)


def password_from_systemd(file: Path) -> str | None:
    """Return the password that systemd hands on as a file, for root to try it while the service does not run.

    Args:
        file: ``mqtt.password_file``.

    Returns:
        None if the file is no credential of a service, or neither it nor its source can be read.
    """
    if not file.is_relative_to(CREDENTIALS):
        return None
    for place in (file, password_source(file)):
        try:
            return read_text(place, most_bytes=1 << 16).rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            continue
    return None
