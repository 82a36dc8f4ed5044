#!/bin/sh
# Install emotion-edge as a service of this machine, or bring an installation up to date. `make install` calls it.
#
#   sudo systemd/install.sh               install, enable and start
#   sudo systemd/install.sh --no-start    install and enable: for building an image, inside a chroot
#   systemd/install.sh --root DIR         everything below DIR and nothing outside it: to look at, and for tests
set -eu
umask 022 # the service's user must be able to read what root installs

say() { printf '%s\n' "$*"; }
fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

root=
start=yes
while [ $# -gt 0 ]; do
    case $1 in
    --no-start) start=no ;;
    --root)
        [ -d "${2:-}" ] || fail "--root needs a folder that exists"
        root=$(cd "$2" && pwd)
        [ "$root" != / ] || fail "--root / is this machine: leave it out"
        start=no
        shift
        ;;
    *) fail "'$1' is unknown; known are --no-start and --root DIR" ;;
    esac
    shift
done

if [ -z "$root" ]; then
    [ "$(id -u)" -eq 0 ] || fail "this needs root: run 'sudo make install'"
    if [ "$start" = yes ] && [ ! -d /run/systemd/system ]; then
        fail "systemd does not run here; 'make run' starts the daemon without it, --no-start installs into an image"
    fi
fi

source=$(cd "$(dirname "$0")/.." && pwd)
[ -f "$source/requirements/edge.txt" ] || fail "$source/requirements/edge.txt is missing: this is no whole checkout"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=$root/opt/emotion-edge
config=$root/etc/emotion-edge/config.toml

# The environment. The system's own Python, as picamera2 and its like are built for no other.
export PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1 PIP_NO_CACHE_DIR=1
mkdir -p "$venv"
"$source/requirements/venv.sh" "$venv" /usr/bin/python3 "$source/requirements/edge.txt"

# The project is built from a copy, so that root leaves nothing in the checkout.
mkdir "$work/source"
for part in edge pyproject.toml README.md LICENSE; do
    cp -R "$source/$part" "$work/source/"
done
"$venv/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$work/source"

# The command, user, configuration, unit.
mkdir -p "$root/usr/local/bin"
ln -sfn /opt/emotion-edge/bin/emotion-edge "$root/usr/local/bin/emotion-edge"
mkdir -p "$root/etc/sysusers.d" "$root/etc/systemd/system" "${config%/*}"
install -m 0644 "$source/systemd/sysusers.conf" "$root/etc/sysusers.d/emotion-edge.conf"
systemd-sysusers ${root:+"--root=$root"} "$root/etc/sysusers.d/emotion-edge.conf"
if [ -e "$config" ]; then
    say "$config stays as it is"
else
    "$venv/bin/emotion-edge" config example >"$work/config.toml"
    install -m 0644 "$work/config.toml" "$config"
fi
install -m 0644 "$source/systemd/emotion-edge.service" "$root/etc/systemd/system/emotion-edge.service"
[ "$start" = no ] || systemctl daemon-reload
systemctl ${root:+"--root=$root"} enable emotion-edge.service
if [ "$start" = no ]; then
    say "installed and enabled; it starts with the next boot of ${root:-this system}"
    exit 0
fi
# restart: an installation that is brought up to date runs already. --no-block: without a camera it keeps trying.
systemctl restart --no-block emotion-edge.service

cat <<'END'
emotion-edge is installed and starting.
  is it well?       systemctl status emotion-edge
  what does it say? journalctl -u emotion-edge -f
  what is missing?  sudo emotion-edge doctor
  set it up:        sudoedit /etc/emotion-edge/config.toml && sudo systemctl restart emotion-edge
END
