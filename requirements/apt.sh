#!/bin/sh
# Install Debian packages where this user may; otherwise say how. Usage: apt.sh PACKAGE...
set -eu

if ! command -v apt-get >/dev/null; then
    echo "needed and not found: $*; install it with this system's package manager" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo=sudo
else
    echo "needed and not found: $*; run 'sudo apt-get install $*' and try again" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# The first try spares the download of the package lists where they are fresh.
$sudo apt-get install --yes --quiet=2 --no-install-recommends "$@" >/dev/null 2>&1 || {
    $sudo apt-get update --quiet=2
    $sudo apt-get install --yes --quiet=2 --no-install-recommends "$@" >/dev/null
}
