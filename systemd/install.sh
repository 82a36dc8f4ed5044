#!/bin/sh
# Install emotion-edge as a service of this machine, or bring an installation up to date. `make install` calls it. In a
# release archive it takes everything from there, without a network.
#
#   sudo systemd/install.sh                         install, enable, start, and wait until it runs
#   sudo systemd/install.sh --broker URL --password-file FILE
#                                                   also set the broker; the password becomes a systemd credential,
#                                                   and - asks for it
#   sudo systemd/install.sh --instance front        the same for one of several cameras: emotion-edge@front
#   sudo systemd/install.sh --rollback              go back to the version before
#   sudo systemd/install.sh --no-start              install and enable: for building an image, inside a chroot
#   systemd/install.sh --root DIR                   everything below DIR and nothing outside it: to look at, and for tests
#
# Each version has a folder in /opt/emotion-edge; `current` is the one that runs, `previous` the one before. One that
# does not become ready within a minute, where the one before did, goes back by itself.
set -eu
umask 022 # the service's user must be able to read what root installs

say() { printf '%s\n' "$*"; }
fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

call="$0${*:+ $*}"
root='' start=yes rollback=no broker='' password='' instance=''
while [ $# -gt 0 ]; do
    case $1 in
    --no-start) start=no ;;
    --rollback) rollback=yes ;;
    --root | --broker | --password-file | --instance)
        [ $# -ge 2 ] || fail "$1 needs a value"
        case $1 in
        --root)
            [ -d "$2" ] || fail "--root needs a folder that exists"
            root=$(cd "$2" && pwd) start=no
            [ "$root" != / ] || fail "--root / is this machine: leave it out"
            ;;
        --broker) broker=$2 ;;
        --password-file) password=$2 ;;
        --instance) instance=$2 ;;
        esac
        shift
        ;;
    *) fail "'$1' is unknown; known are --broker, --password-file, --instance, --rollback, --no-start and --root" ;;
    esac
    shift
done
case $instance in
# detection and models: names in the state folder of emotion-edge.service, in which those of the instances are.
config | detection | models | *[!A-Za-z0-9_-]*)
    fail "--instance $instance: a name of letters, digits, - and _, but not config, detection or models"
    ;;
esac
[ "$password" = '' ] || [ "$password" = - ] || [ -r "$password" ] || fail "--password-file $password: cannot be read"

here=$(dirname "$(readlink -f "$0")")
source=$(dirname "$here")
if [ -z "$root" ]; then
    without=
    if [ -f "$source/Makefile" ]; then # a release archive has none
        [ "$call" != "$0" ] || call="make install"
        without=" 'make run' starts the daemon without it,"
    fi
    [ "$(id -u)" -eq 0 ] || fail "this needs root: run 'sudo $call'"
    if [ "$start" = yes ] && [ ! -d /run/systemd/system ]; then
        fail "systemd does not run here;$without --no-start installs into an image"
    fi
fi
opt=$root/opt/emotion-edge
began_s=$(date +%s)
# shellcheck source-path=SCRIPTDIR source=service.sh
. "$here/service.sh"
work=$(mktemp -d)
folder=
setting= # while the configuration holds what was not checked yet
restore_config() {
    if [ -e "$work/before.toml" ]; then cp -p "$work/before.toml" "$config"; else rm -f "$config"; fi
}
# However it ends, nothing is left half done: half a version may fill the disk, which the service needs.
ended() {
    status=$?
    trap - EXIT
    trap '' HUP INT TERM
    [ -z "$setting" ] || restore_config
    rm -rf "$work"
    [ ! -d "$folder" ] || [ -e "$folder/.complete" ] || rm -rf "$folder"
    switch_back
    exit "$status"
}
trap ended EXIT
trap 'exit 1' HUP INT TERM
named=${instance:+emotion-edge@$instance.service}
# Where instances alone are enabled, an upgrade adds no other.
if [ -z "$instance" ] && [ -n "$(enabled_units)" ] && ! enabled_units | grep -qx emotion-edge.service; then
    instance=$(enabled_units | sed -n '1s/.*@\(.*\)[.]service/\1/p')
fi
name=${instance:-config}
unit=emotion-edge${instance:+@$instance}.service
config=$root/etc/emotion-edge/$name.toml

if [ "$rollback" = yes ]; then
    go_back
    exit
fi
[ ! -e "$root/usr/lib/emotion-edge" ] || fail "the Debian package is installed; remove it first: sudo apt remove emotion-edge"
[ -f "$source/requirements/edge.txt" ] || fail "$source/requirements/edge.txt is missing: this is no whole checkout"

# The system's own Python, as picamera2 and its like are built for no other. 32-bit systems end here.
python=/usr/bin/python3
facts=$("$source/requirements/system.sh" "$python")

# A release archive: its wheels, for one Debian and one kind of processor.
offline=no
if [ -d "$source/wheels" ]; then
    offline=yes
    read -r for_python for_machine for_system <"$source/PLATFORM"
    [ "$for_python $for_machine" = "${facts% *} $(uname -m)" ] ||
        fail "this archive is for $for_system, with Python $for_python on $for_machine; here is Python ${facts% *} on $(uname -m)"
    (cd "$source" && sha256sum --check --quiet --strict SHA256SUMS) || fail "this archive is damaged: unpack it again"
    ln -s "$source/wheels" "$work/wheels" # pip would split a name with a blank
    export PIP_NO_INDEX=1 PIP_FIND_LINKS="$work/wheels"
    EMOTION_EDGE_PIP=$(echo "$source"/wheels/pip-*.whl)
    export EMOTION_EDGE_PIP
fi

# Two builds of one version differ by a hash of what is installed and for what: one folder never holds two things, and
# what is installed already is known again without a network. A commit would not do: an archive and a change that is
# not committed have none.
number=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source/pyproject.toml")
hash=$(cd "$source" && {
    echo "$facts"
    find edge systemd wheels pyproject.toml requirements/edge.txt -type f ! -name '*.pyc' 2>/dev/null |
        LC_ALL=C sort | tr '\n' '\0' | xargs -0 sha256sum
} | sha256sum | cut -c 1-8)
version=$number-$hash
folder=$opt/$version

say "emotion-edge $version. This does, as root:"
if [ -e "$folder/.complete" ]; then
    say "  - nothing is downloaded: /opt/emotion-edge/$version is there"
elif [ "$offline" = yes ]; then
    say "  - Python packages from this archive into /opt/emotion-edge/$version, without a network"
else
    say "  - Python packages into /opt/emotion-edge/$version, and python3-venv from apt if it is missing"
fi
say "  - the user emotion-edge, who may use cameras, and no more"
say "  - /etc/emotion-edge/$name.toml$([ ! -e "$config" ] || echo ', which stays as it is')"
say "  - $unit, and the command emotion-edge in /usr/local/bin"
[ "$start" = no ] || say "  - starts $unit, and waits until it runs"
say ""

# The version's folder. Its packages are those of the version that runs, as links to the same files, where it has the
# same list: an upgrade then takes seconds and no room.
if [ ! -e "$folder/.complete" ]; then
    export PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1 PIP_NO_CACHE_DIR=1
    rm -rf "$folder" # what was interrupted
    made_folder "$opt"
    [ ! -e "$opt/pyvenv.cfg" ] || (cd "$opt" && rm -rf .gitignore bin include lib lib64 share pyvenv.cfg) # the layout before 0.1
    same_packages || rm -rf "$folder"
    "$source/requirements/venv.sh" "$folder" "$python" "$source/requirements/edge.txt"
    if [ "$offline" = yes ]; then
        project=$(echo "$source"/wheels/emotion_edge-*.whl)
    else
        # The project is built from a copy, so that root leaves nothing in the checkout.
        project=$work/source
        mkdir "$project"
        for part in edge pyproject.toml README.md LICENSE; do
            cp -R "$source/$part" "$project/"
        done
    fi
    "$source/requirements/pip.sh" "$folder/bin/python" --no-deps --force-reinstall "$project"
    # The command names its Python by the path that it has once this is the system.
    [ -z "$root" ] || sed -i "1,3s|$root/opt/|/opt/|" "$folder/bin/emotion-edge"
    mkdir -p "$folder/share/emotion-edge"
    cp "$source"/systemd/*.* "$folder/share/emotion-edge/"
    for script in install.sh uninstall.sh; do
        ln -s "share/emotion-edge/$script" "$folder/$script"
    done
    sync # a power cut must not leave a version that is complete by name alone
    touch "$folder/.complete"
fi

keep_pylsl

edge() { "$folder/bin/python" -I "$folder/bin/emotion-edge" "$@"; }

# What exists once for all versions: the command, the configuration, the password.
made_folder "$root/usr/local/bin" "${config%/*}"
ln -sfn /opt/emotion-edge/current/bin/emotion-edge "$root/usr/local/bin/emotion-edge"
[ -z "$password" ] || read_password "$password"
[ ! -e "$config" ] || cp -p "$config" "$work/before.toml"
setting=yes
if [ ! -e "$config" ]; then
    edge config example >"$work/example.toml"
    install -m 0644 "$work/example.toml" "$config"
    [ -z "$instance" ] || set_key device "$(uname -n | cut -d. -f1)-$instance"
fi
[ -z "$broker" ] || set_key url "$broker"
[ -z "$password" ] || set_key password_file "/run/credentials/$unit/mqtt-password"
# All values, then the files that they name: but none below --root, and no credential, which is there only when the
# service runs.
(
    edge config show --config "$config" >"$work/check" 2>&1 || exit 1
    [ -z "$root" ] || exit 0
    ! grep -q '^[^#]*/run/credentials/' "$config" || export EMOTION_EDGE_MQTT__PASSWORD_FILE=
    edge config check --config "$config" >"$work/check" 2>&1
) || {
    cat "$work/check" >&2
    # What was set just now would stay: set_key changes only what is still the example's.
    restore_config
    fail "correct it, and try again; $config is as it was, and so is the service"
}
setting=
[ -z "$password" ] || save_password

before=$(readlink "$opt/current" || true) earlier=$(readlink "$opt/previous" || true)
ran=$(running_units)
were=$(conditions | grep -vxF "$named down" || true) # who names an instance wants it to run
"$here/own-passwords.sh" "$root"
if [ "$before" = "$version" ]; then switch_to "$version" "$earlier"; else switch_to "$version" "$before"; fi
switching=half # a version whose unit is not enabled would not start after the next boot
systemctl ${root:+"--root=$root"} --quiet enable "$unit"
switching=
sync # a power cut must not leave empty units, which systemd takes for masked, nor an empty password
if [ "$start" = no ]; then
    prune
    say "installed and enabled; it starts with the next boot of ${root:-this system}"
    exit 0
fi
restart_all
if wait_until_ready "$were"; then
    prune
    report "emotion-edge $version is installed and runs."
elif [ -n "$before" ] && [ "$before" != "$version" ] && some_ran "$were"; then
    say "emotion-edge $version did not become ready:"
    reason
    say ""
    switch_to "$before" "$earlier"
    sync
    [ "$version" = "$earlier" ] || rm -rf "$folder"
    # shellcheck disable=SC2034 # service.sh shows what is newer
    began_s=$(date +%s)
    restart_all
    wait_until_ready "$were" || true
    report "Went back to $before. Nothing was installed."
    exit 1
else
    report "emotion-edge $version is installed, but does not run."
    exit 1
fi
