#!/bin/sh
# Print what an environment depends on: the version of a Python, and whether it has apt's Picamera2 ("3.11 false").
# Usage: system.sh PYTHON
set -eu
python=$1
"$(dirname "$0")/platform.sh"
command -v "$python" >/dev/null || "$(dirname "$0")/apt.sh" python3 >&2
# Picamera2 is looked for, not imported, which takes seconds on a Pi. Isolated (-I), so that none of the current folder
# is found.
exec "$python" -I -c '
import sys
from importlib.util import find_spec
if sys.version_info < (3, 11):
    sys.exit(f"{sys.executable} is older than Python 3.11; name a newer one: make PYTHON=python3.11")
print("{}.{}".format(*sys.version_info), str(find_spec("picamera2") is not None).lower())'
