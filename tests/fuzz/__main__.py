"""``python -m tests.fuzz --seconds 3600 --seed 0``: rounds of the fuzz tests, each with cases of its own.

A round takes about as long as the fuzz tests of `make test`. Stopped by its time, by Ctrl-C or by a failure, it says
the seed to go on with.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    """Run rounds until the time is over; return 0, or 1 after a failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600, help="When to begin no further round.")
    parser.add_argument("--seed", type=int, default=1, help="The first round; round 0 is that of make test.")
    parser.add_argument(
        "tests", nargs="*", default=[str(Path(__file__).parent)], help="Files of tests; all unless given."
    )
    options = parser.parse_args()
    seed, began_s = options.seed, time.monotonic()
    failed = False
    try:
        while not failed and time.monotonic() - began_s < options.seconds:
            command = [sys.executable, "-m", "pytest", "--quiet", *options.tests]
            failed = subprocess.run(command, env={**os.environ, "FUZZ_SEED": str(seed)}, check=False).returncode != 0
            seed += not failed
    except KeyboardInterrupt:
        pass
    count = seed - options.seed
    print(f"{count} round{'s' * (count != 1)} in {time.monotonic() - began_s:.0f} s; next: make test-fuzz SEED={seed}")  # noqa: T201
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
