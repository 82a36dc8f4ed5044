#!/bin/sh
# Take the service away that install.sh made, and the device from its broker. `make uninstall` calls it.
#
#   sudo systemd/uninstall.sh             keeps the configuration, and the state with its owner
#   sudo PURGE=1 systemd/uninstall.sh     keeps nothing but the journal (`make purge`)
#   systemd/uninstall.sh --root DIR       what install.sh --root DIR made
set -eu

say() { printf '%s\n' "$*"; }
fail() {
    printf 'uninstall.sh: %s\n' "$*" >&2
    exit 1
}

here=$(dirname "$(readlink -f "$0")")
call="$0${*:+ $*}" purge="PURGE=1 $0${*:+ $*}"
if [ $# -eq 0 ] && [ -f "$here/../Makefile" ]; then # neither a release archive nor /opt has one
    call="make uninstall" purge="make purge"
fi
[ "${PURGE:-}" != 1 ] || call=$purge
root=
if [ "${1:-}" = --root ]; then
    [ -d "${2:-}" ] || fail "--root needs a folder that exists"
    root=$(cd "$2" && pwd)
    [ "$root" != / ] || fail "--root / is this machine: leave it out"
    shift 2
fi
[ $# -eq 0 ] || fail "'$1' is unknown; known is --root DIR"
[ -n "$root" ] || [ "$(id -u)" -eq 0 ] || fail "this needs root: run 'sudo $call'"
[ ! -e "$root/usr/lib/emotion-edge" ] ||
    fail "the Debian package is installed: sudo apt remove emotion-edge, or sudo apt purge emotion-edge"

opt=$root/opt/emotion-edge
units=$root/etc/systemd/system
state=$root/var/lib/emotion-edge
store=$root/etc/credstore
running=no
[ -n "$root" ] || [ ! -d /run/systemd/system ] || running=yes

say "emotion-edge is removed: its service, /opt/emotion-edge, and what the broker keeps of it"
[ "${PURGE:-}" = 1 ] || say "the configuration and the state stay; 'sudo $purge' removes these too"
if [ -e "$units/emotion-edge.service" ]; then
    [ "$running" = no ] || systemctl stop 'emotion-edge.service' 'emotion-edge@*.service'
    for wanted in "$units"/*.wants/emotion-edge.service "$units"/*.wants/emotion-edge@*.service; do
        [ ! -L "$wanted" ] || systemctl ${root:+"--root=$root"} --quiet disable "$(basename "$wanted")"
    done
fi

# The broker keeps availability, state and the like, and Home Assistant's device, until somebody clears them.
if [ "$running" = yes ] && [ -x "$opt/current/bin/emotion-edge" ]; then
    "$here/forget.sh" "$opt/current/bin/emotion-edge"
fi

# *.new: what a power cut left of an installation.
rm -f "$units/emotion-edge.service" "$units/emotion-edge@.service" "$root/usr/local/bin/emotion-edge"
rm -f "$units"/emotion-edge*.service.new "$root"/etc/sysusers.d/emotion-edge.conf.new \
    "$root"/etc/tmpfiles.d/emotion-edge.conf.new
remembered=$root/etc/emotion-edge/.made-folders
folders=$(cat "$opt/.made-folders" "$remembered" 2>/dev/null | sort -ru)
rm -rf "$opt"
if [ "$running" = yes ]; then
    systemctl daemon-reload
    systemctl reset-failed 'emotion-edge*.service' 2>/dev/null || true # it need not have failed
fi
rm -rf "$root/run/emotion-edge"

emptied=no
if [ "${PURGE:-}" = 1 ]; then
    rm -f "$store"/emotion-edge.mqtt-password "$store"/emotion-edge@*.mqtt-password
    rm -f "$store"/emotion-edge.mqtt-password.new "$store"/emotion-edge@*.mqtt-password.new
    rm -rf "$root/etc/emotion-edge" "$units"/emotion-edge.service.d "$units"/emotion-edge@*.service.d
    if [ -L "$state" ] && [ -e "$state" ]; then
        say "kept: $(readlink -f "$state"), where $state leads: other things may be there too; remove both"
    elif [ -d "$state" ]; then
        # A file system that is mounted there (docs/read-only-root.md) can be emptied; its mount point cannot be removed.
        find "$state" -xdev -mindepth 1 -delete || true # it says what it could not delete
        rmdir "$state" 2>/dev/null || [ -n "$(ls -A "$state")" ] || emptied=yes
    else
        rm -f "$state"
    fi
elif [ -d "$root/etc/emotion-edge" ]; then
    printf '%s\n' "$folders" >"$remembered" # for the day that takes the rest away
fi
rm -f "$root/etc/tmpfiles.d/emotion-edge.conf"
if [ -e "$state" ] && [ "$emptied" = no ]; then
    # Without its owner the state would belong to the next user who is given that number.
    say "kept: $state and its owner, the user emotion-edge"
else
    if [ "$emptied" = yes ]; then
        chown 0:0 "$state" 2>/dev/null || true # its owner goes
        say "kept: $state, where a file system is mounted, now empty: unmount it, and take its line out of /etc/fstab"
    fi
    rm -f "$root/etc/sysusers.d/emotion-edge.conf"
    if grep -qs '^emotion-edge:' "$root/etc/passwd"; then
        userdel ${root:+--prefix "$root"} emotion-edge
    fi
    if grep -qs '^emotion-edge:' "$root/etc/group"; then # userdel takes it along only where login.defs says so
        groupdel ${root:+--prefix "$root"} emotion-edge
    fi
fi
# Folders that install.sh made, and nobody else has put anything into; the deepest first.
for folder in $folders; do
    rmdir "$root$folder" 2>/dev/null || true
done
for kept in "$root/etc/emotion-edge" "$units"/emotion-edge*.service.d "$store"/emotion-edge*.mqtt-password; do
    [ ! -e "$kept" ] || say "kept: $kept"
done
if [ "${PURGE:-}" != 1 ]; then
    # The one in /opt has just removed itself.
    [ ! -d "$here" ] || say "'sudo $purge' takes away what is kept"
elif [ -e "$state" ] && [ "$emptied" = no ]; then
    fail "the rest is uninstalled, but $state could not be emptied"
fi
say "emotion-edge is uninstalled"
