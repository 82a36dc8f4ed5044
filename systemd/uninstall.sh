#!/bin/sh
# Take the service away that install.sh made. `make uninstall` calls it.
#
#   sudo systemd/uninstall.sh             keeps the configuration, and the state with its owner
#   sudo PURGE=1 systemd/uninstall.sh     keeps nothing
#   systemd/uninstall.sh --root DIR       what install.sh --root DIR made
set -eu

say() { printf '%s\n' "$*"; }
fail() {
    printf 'uninstall.sh: %s\n' "$*" >&2
    exit 1
}

root=
if [ "${1:-}" = --root ]; then
    [ -d "${2:-}" ] || fail "--root needs a folder that exists"
    root=$(cd "$2" && pwd)
    [ "$root" != / ] || fail "--root / is this machine: leave it out"
    shift 2
fi
[ $# -eq 0 ] || fail "'$1' is unknown; known is --root DIR"
[ -n "$root" ] || [ "$(id -u)" -eq 0 ] || fail "this needs root: run 'sudo make uninstall'"

unit=$root/etc/systemd/system/emotion-edge.service
state=$root/var/lib/emotion-edge
running=no
[ -n "$root" ] || [ ! -d /run/systemd/system ] || running=yes

if [ -e "$unit" ]; then
    [ "$running" = no ] || systemctl stop emotion-edge.service
    systemctl ${root:+"--root=$root"} disable emotion-edge.service
fi
rm -f "$unit"
rm -rf "$root/opt/emotion-edge"
rm -f "$root/usr/local/bin/emotion-edge"
if [ "$running" = yes ]; then
    systemctl daemon-reload
    systemctl reset-failed emotion-edge.service 2>/dev/null || true # it need not have failed
fi

if [ "${PURGE:-}" = 1 ]; then
    rm -rf "$root/etc/emotion-edge" "$state" "$unit.d"
    rm -f "$root/etc/credstore/emotion-edge.mqtt-password"
fi
if [ -e "$state" ]; then
    # Without its owner the state would belong to the next user who is given that number.
    say "kept: $state and its owner, the user emotion-edge"
else
    rm -f "$root/etc/sysusers.d/emotion-edge.conf"
    if grep -qs '^emotion-edge:' "$root/etc/passwd"; then
        userdel ${root:+--prefix "$root"} emotion-edge
    fi
    if grep -qs '^emotion-edge:' "$root/etc/group"; then # userdel takes it along only where login.defs says so
        groupdel ${root:+--prefix "$root"} emotion-edge
    fi
fi
for kept in "$root/etc/emotion-edge" "$unit.d" "$root/etc/credstore/emotion-edge.mqtt-password"; do
    [ ! -e "$kept" ] || say "kept: $kept"
done
[ "${PURGE:-}" = 1 ] || say "PURGE=1 takes away what is kept"
say "emotion-edge is uninstalled"
