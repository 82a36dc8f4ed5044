"""The long torture: ``python -m tests.torture [--seed N]``. Ends with 1 where the promise was not kept."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from tests.mounts import can_mount
from tests.torture.plan import LONG, SHORT, torture


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description="Torture the publishing side.")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(1_000_000), help="of an earlier run, to repeat it"
    )
    parser.add_argument("--short", action="store_true", help="the few troubles that the tests have")
    parser.add_argument("--folder", type=Path, help="an empty one, to keep ledgers and logs in")
    options = parser.parse_args()
    if not can_mount():
        _say("LEFT OUT: the full disk, which needs root and the right to mount")
    _say(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="torture-") as scratch:
        plan = SHORT if options.short else LONG
        outcome = torture(options.folder or Path(scratch), plan, options.seed, small_disk=can_mount(), say=_say)
    _say(str(outcome))
    return 0 if outcome.verdict.holds else 1


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
