"""Choose a model, and have a running daemon take it."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from edge.errors import BundleError, OutputError
from edge.system.owner import acting_as_owner
from edge.system.running import find_daemon

if TYPE_CHECKING:
    from pathlib import Path

    from edge.inference.store import ModelStore

_TAKE_S = 15.0
"""Seconds that a daemon has to take a model: a second, unless its camera is still being opened."""

_LOOK_EVERY_S = 0.1


def switch(store: ModelStore, state: Path, name: str, sha256: str) -> str:
    """Remember a bundle as the one to use, and tell a running daemon; return what happened, for a person.

    Args:
        store: The device's bundles.
        state: The daemon's folder on disk.
        name: The bundle's.
        sha256: The bundle's, by which the daemon says that it has taken it.

    Raises:
        BundleError: The daemon refuses the bundle and keeps the one before.
        OutputError: The choice cannot be remembered, or the daemon not be told.
    """
    with acting_as_owner(state):
        store.choose(name)
        daemon = find_daemon(state)
    if daemon is None:
        return f"{name}: chosen; no daemon runs, and the next one uses it"
    if daemon.facts.get("configured"):
        return f"{name}: chosen; the daemon that runs was started with another model by --model or emotion.model"
    _tell(daemon.pid)
    until_s = time.monotonic() + _TAKE_S
    while time.monotonic() < until_s:
        with acting_as_owner(state):
            daemon, choice = find_daemon(state), store.choice
        if daemon is None:
            return f"{name}: chosen; the daemon has ended, and the next one uses it"
        if daemon.facts.get("sha256") == sha256:
            return f"{name}: in use"
        if choice and choice.model != name:
            message = f"{name}: the daemon cannot use it and keeps {choice.model}; its log says why"
            raise BundleError(message)
        time.sleep(_LOOK_EVERY_S)
    return f"{name}: chosen; the daemon has not taken it within {_TAKE_S:g} s, its log says why"


def _tell(pid: int | None) -> None:
    if pid is None:
        why = "the kernel does not say which process it is, as for one in a container"
        message = f"the daemon cannot be told: {why}; restart it"
        raise OutputError(message)
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        message = f"the daemon (process {pid}) cannot be told: {error.strerror}; restart it"
        raise OutputError(message) from None
