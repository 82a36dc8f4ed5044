# Parts of install.sh: folders, versions and the service's state. Sourced, with install.sh's variables.
# shellcheck shell=sh disable=SC2154

# Make folders, and remember which were not there: uninstall.sh removes those that are empty then.
made_folder() {
    for made; do
        [ -d "$made" ] && continue
        mkdir -p "$made"
        mkdir -p "$opt"
        printf '%s\n' "${made#"$root"}" >>"$opt/.made-folders"
    done
}

# Prepare $folder with the packages of the version that runs, if it has the same list, Python and Picamera2.
same_packages() {
    [ -e "$opt/current/.complete" ] || return 1
    sum=$(sha256sum <"$source/requirements/edge.txt")
    [ "$(cat "$opt/current/.edge.txt.sha256" 2>/dev/null)" = "$sum" ] || return 1
    grep -qx "include-system-site-packages = ${facts#* }" "$opt/current/pyvenv.cfg" || return 1
    packages=lib/python${facts% *}/site-packages
    [ -d "$opt/current/$packages" ] || return 1 # another Python
    system=
    [ "${facts#* }" = false ] || system=--system-site-packages
    # shellcheck disable=SC2086 # no option where it is empty
    "$python" -I -m venv --without-pip $system "$folder"
    rmdir "$folder/$packages"
    cp -al "$opt/current/$packages" "$folder/$packages" 2>/dev/null || return 1
    cp "$opt/current/.edge.txt.sha256" "$folder/"
}

# Take pylsl along into $folder, which no list names: docs/lsl.md has it installed into the version that runs.
keep_pylsl() {
    for part in "$opt"/current/lib/python*/site-packages/pylsl*; do
        for packages in "$folder"/lib/python*/site-packages; do
            [ ! -e "$part" ] || [ -e "$packages/${part##*/}" ] || cp -R "$part" "$packages/"
        done
    done
}

# Set a key of [mqtt] in $config that is still the example's; say so where the user has set it.
set_key() {
    section='/^\[mqtt\]/,/^\[/' # [[hooks]] has a url too
    own=$(sed -n "$section{/^[[:space:]]*$1[[:space:]]*=/p}" "$config")
    line=$(sed -n "$section{/^# $1 =/=}" "$config" | head -n 1)
    if [ -z "$own" ] && [ -n "$line" ]; then
        value=$(printf '%s' "$2" | sed 's/[\\&|"]/\\&/g')
        sed --follow-symlinks -i "${line}s|.*|$1 = \"$value\"|" "$config"
        say "$config: $1 = \"$2\""
    elif ! printf '%s\n' "$own" | grep -qF "$1 = \"$2\""; then
        say "$config: $1 stays as it is; write $1 = \"$2\" there"
    fi
}

# Read the broker's password from a file; for "-", ask for it.
read_password() {
    if [ "$1" = - ]; then
        secret=$(
            terminal=$(stty -g 2>/dev/null || true)
            trap '[ -z "$terminal" ] || { stty "$terminal" && echo >&2; }' EXIT
            trap 'exit 1' HUP INT TERM # Ctrl+C must not leave a terminal that shows nothing
            [ -z "$terminal" ] || { printf 'password for the broker: ' >&2 && stty -echo; }
            IFS= read -r line || true
            printf '%s' "$line"
        )
    else
        secret=$(cat "$1")
    fi
    [ -n "$secret" ] || fail "the password is empty"
}

# Save the password as a systemd credential.
save_password() {
    credential=$root/etc/credstore/${unit%.service}.mqtt-password
    made_folder "$root/etc/credstore"
    chmod 0700 "$root/etc/credstore"
    (umask 077 && printf '%s\n' "$secret" >"$credential.new" && mv "$credential.new" "$credential")
    say "$credential: holds the password, for the service alone"
}

# Point a link in $opt at a version, in one step.
point() { ln -sfn "$2" "$opt/.$1" && mv -T "$opt/.$1" "$opt/$1"; }

# What switch_to replaces, besides the links.
switched='etc/sysusers.d/emotion-edge.conf etc/tmpfiles.d/emotion-edge.conf
    etc/systemd/system/emotion-edge.service etc/systemd/system/emotion-edge@.service'
switching=

# Let version $1 be the one that runs, with the units that came with it, and $2 the one before. Nothing restarts yet. What
# a full disk stops comes first, under other names: then there are only renames. switch_back undoes what ended between.
switch_to() {
    was=$(readlink "$opt/current" || true) was_before=$(readlink "$opt/previous" || true)
    switching=begun
    share=$opt/$1/share/emotion-edge
    made_folder "$root/etc/sysusers.d" "$root/etc/tmpfiles.d" "$root/etc/systemd/system"
    systemd-sysusers ${root:+"--root=$root"} "$share/sysusers.conf"
    [ "$start" = no ] || systemd-tmpfiles --create "$share/tmpfiles.conf"
    open=
    [ "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')" -lt 254 ] || open='s/^#254 //'
    cp "$share/sysusers.conf" "$root/etc/sysusers.d/emotion-edge.conf.new"
    cp "$share/tmpfiles.conf" "$root/etc/tmpfiles.d/emotion-edge.conf.new"
    unit_file=$root/etc/systemd/system/emotion-edge
    sed "$open" "$share/emotion-edge.service" >"$unit_file.service.new"
    sed -f "$share/instance.sed" "$unit_file.service.new" >"$unit_file@.service.new"
    for part in $switched; do chmod 0644 "$root/$part.new"; done
    sync
    switching=half
    # A power cut between two links must leave one of them at the version that is known to run: it is `previous` before
    # it leaves `current`, and `current` before it leaves `previous`.
    [ "$was_before" != "$1" ] || point current "$1"
    if [ -n "$2" ]; then point previous "$2"; else rm -f "$opt/previous"; fi
    for part in $switched; do mv "$root/$part.new" "$root/$part"; done
    point current "$1"
    [ "$start" = no ] || systemctl daemon-reload
    switching=
}

# Where switch_to ended half-way, let what was there be there again, and no more: the disk may be full.
switch_back() {
    for part in $switched; do rm -f "$root/$part.new"; done
    [ -n "$switching" ] && [ -n "$was" ] || return 0
    stays=$was
    [ "$switching" = begun ] || switch_to "$was" "$was_before"
    prune
    printf 'install.sh: the last step failed; %s stays\n' "$stays" >&2
}

# Remove the versions that are neither current nor previous.
prune() {
    for old in "$opt"/*/; do
        old=$(basename "$old")
        case $old in
        current | previous | "$(readlink "$opt/current")" | "$(readlink "$opt/previous" || true)") ;;
        *) rm -rf "${opt:?}/$old" ;;
        esac
    done
}

# The enabled units. `list-unit-files` would name no instance.
enabled_units() {
    for wanted in "$root"/etc/systemd/system/*.wants/emotion-edge.service \
        "$root"/etc/systemd/system/*.wants/emotion-edge@*.service; do
        [ ! -L "$wanted" ] || basename "$wanted"
    done
}

# The units that run, whether enabled or not.
running_units() {
    [ "$start" = yes ] || return 0
    systemctl list-units --state=active,activating,reloading --plain --no-legend \
        emotion-edge.service 'emotion-edge@*.service' | sed 's/ .*//'
}

# The units that run or should: the enabled ones, and those in $ran, which ran before this script changed anything.
ran=
units_to_run() { { enabled_units && printf '%s\n' "$ran"; } | sed '/^$/d' | sort -u; }

restart_all() {
    # shellcheck disable=SC2046 # a word for each
    systemctl reset-failed $(units_to_run) 2>/dev/null || true
    # shellcheck disable=SC2046
    systemctl restart --no-block $(units_to_run)
}

property() { systemctl show --property="$2" --value "$1"; }

# How a unit is: down (not running, or failing), up, or watching (up, with a camera).
condition() {
    if [ "$start" = no ] || [ "$(property "$1" ActiveState)" != active ]; then
        echo down
        return
    fi
    case $(property "$1" StatusText) in
    watching*) echo watching ;;
    *) echo up ;;
    esac
}

# The units that run or should, and how each is, on a line each.
conditions() {
    for each in $(units_to_run); do
        echo "$each $(condition "$each")"
    done
}

some_ran() { printf '%s\n' "$1" | grep -q -e ' up$' -e ' watching$'; }

# Wait at most a minute until the units that should run do so for three seconds: with a camera where the conditions
# before, $1, say so. One that was down may stay so, unless none ran.
wait_until_ready() {
    waited=0 steady=0 processes='' down=''
    ! some_ran "$1" || down=$(printf '%s\n' "$1" | sed -n 's/ down$//p')
    expected=$(units_to_run | grep -vxF "$down" || true)
    while [ "$steady" -lt 3 ]; do
        [ "$waited" -lt 60 ] || return 1
        sleep 1
        waited=$((waited + 1)) ready=yes before_them=$processes processes=
        for each in $expected; do
            [ "$(property "$each" ActiveState)" != failed ] || return 1
            # Failed three times. It is given up between two processes, when what the last one wrote is whole.
            [ "$(property "$each" NRestarts)" -lt 2 ] || [ "$(property "$each" SubState)" != auto-restart ] || return 1
            how=$(condition "$each")
            [ "$how" != down ] || ready=no
            [ "$how" = watching ] || ! printf '%s\n' "$1" | grep -qxF "$each watching" || ready=no
            processes="$processes $(property "$each" MainPID)"
        done
        [ "$ready" = yes ] && [ "$processes" = "$before_them" ] && steady=$((steady + 1)) || steady=0
    done
}

# The last lines that the daemon wrote since this script began.
reason() {
    for each in $(units_to_run); do
        journalctl --unit "$each" --identifier emotion-edge --since "@$began_s" --lines 5 --output cat --no-pager
    done | fold -s -w 72 | sed 's/^/    /'
}

# The first event that the broker passes on within ten seconds. They begin when 'watch' is connected and has printed what
# the broker retains, or says why it is not: it takes long to start on a small Pi.
first_event() {
    device=$("$opt/current/bin/emotion-edge" config show --config "$config" | sed -n 's/^device = "\(.*\)"$/\1/p')
    : >"$work/events" # it is read before the shell of 'watch' may have opened it
    "$opt/current/bin/emotion-edge" watch --config "$config" --device "$device" --json >"$work/events" 2>&1 &
    listener=$!
    started=0
    waited=0
    while [ "$started" -lt 30 ] && [ "$waited" -lt 10 ] && ! grep -q '"type"' "$work/events" &&
        kill -0 "$listener" 2>/dev/null; do
        sleep 1
        if [ -s "$work/events" ]; then waited=$((waited + 1)); else started=$((started + 1)); fi
    done
    kill "$listener" 2>/dev/null || true
    wait "$listener" 2>/dev/null || true
    grep -m 1 '"type"' "$work/events" |
        sed 's/.*"type": *"\([^"]*\)".*"captured_at": *"\([^"]*\)".*"emotion": *"\([^"]*\)".*/\1, \3, at \2/'
}

# Say how the service really is, in one screen.
report() {
    say "$1"
    say ""
    for each in $(units_to_run); do
        say "$each: $(property "$each" ActiveState), $(property "$each" StatusText | sed 's/ (.*//')" |
            fold -s -w 76 | sed 's/^/  /'
    done
    if [ "$(condition "$unit")" = watching ]; then
        event=$(first_event || true)
        say "  first event: ${event:-none on the broker within 10 s}"
    fi
    say "  its last lines:"
    reason
    say ""
    named_file=${instance:+ --config /etc/emotion-edge/$name.toml} # else both read config.toml
    say "  see it work    emotion-edge watch$named_file"
    say "  follow it      journalctl -fu ${unit%.service}"
    say "  what is wrong  sudo emotion-edge doctor$named_file"
    say "  set it up      sudoedit /etc/emotion-edge/$name.toml"
    say "                 sudo systemctl reload ${unit%.service}"
    [ ! -e "$opt/previous" ] || say "  go back        sudo $opt/current/install.sh --rollback"
}

# Let the version before run again.
go_back() {
    [ -e "$opt/previous/.complete" ] || fail "there is no version before this one"
    version=$(readlink "$opt/previous")
    say "going back from $(readlink "$opt/current") to $version"
    ran=$(running_units)
    were=$(conditions | sed 's/ watching$/ up/') # a camera may have gone since
    switch_to "$version" "$(readlink "$opt/current")"
    sync # see install.sh
    [ "$start" = yes ] || return 0
    if [ -z "$were" ]; then
        say "switched; nothing is enabled"
        return
    fi
    restart_all
    if wait_until_ready "$were"; then
        report "emotion-edge $version runs again."
    else
        report "emotion-edge $version does not run."
        exit 1
    fi
}
