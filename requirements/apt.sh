#!/bin/sh
# Install Debian packages where this user may; otherwise say how. Usage: apt.sh PACKAGE...
# SERVICES names services that these packages start, and that are not wanted.
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

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Two tries and half a minute: an absent network is said soon. LC_ALL: its messages are looked through below.
apt() {
    $sudo env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -o Acquire::Retries=1 -o Acquire::http::Timeout=30 \
        -o Acquire::https::Timeout=30 --yes --quiet=2 "$@" >>"$log" 2>&1
}

install() {
    apt --no-install-recommends install "$@" || return 1
    for service in ${SERVICES:-}; do
        $sudo systemctl disable --now "$service" >>"$log" 2>&1 || true # where no systemd runs, it did not start either
    done
}

echo "installing with apt, as root: $*"
# The first try spares the download of the package lists where they are fresh.
install "$@" && exit 0
echo "fetching the package lists with apt"
apt update || true # what it could not fetch, the next step misses
install "$@" && exit 0
tail -n 5 "$log" >&2
if grep -qE 'Temporary failure|Could not resolve|Could not connect|Network is unreachable|onnection timed out' "$log"; then
    echo "apt needs the network and does not reach it: connect this machine and try again" >&2
else
    echo "apt could not install $*; its last lines are above" >&2
fi
exit 1
