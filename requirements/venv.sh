#!/bin/sh
# Make a virtual environment of pinned packages, or bring one up to date. Where nothing changed, nothing is done.
# Usage: venv.sh FOLDER PYTHON REQUIREMENTS [with-dependencies]
#
# On a Pi, Picamera2 and libcamera come from apt, so the environment sees the system's packages, and pip leaves alone
# what they were built against: another numpy over apt's breaks them.
#
# Every Python runs isolated (-I): without it a pip.py or picamera2.py in the current folder would run, as root too.
set -eu
here=$(dirname "$0")
folder=$1 python=$2 requirements=$3 dependencies=--no-deps
[ "${4:-}" != with-dependencies ] || dependencies=

# End here where the environment has to be changed and this user may not.
check_writable() {
    for mine in "$folder" "$folder/pyvenv.cfg"; do
        if [ ! -e "$mine" ] || [ -w "$mine" ]; then continue; fi
        owner=$(stat -c %U "$mine")
        if [ "$(id -u)" = 0 ] || [ "$owner" = "$(id -un)" ]; then
            echo "$mine has to be brought up to date, and is read-only: make it writable and try again" >&2
        else
            echo "$mine belongs to $owner, perhaps since a 'sudo make': take this folder back with" \
                "'sudo chown -R $(id -un): \"$PWD\"', and try again without sudo" >&2
        fi
        exit 1
    done
}

wanted=$("$here/system.sh" "$python") # the 32-bit and the older go no further
sees_system=${wanted#* }
version() { "$1" -I -c 'import sys; print("{}.{}".format(*sys.version_info))' 2>/dev/null; }

# Its commands name their Python by the path where it was made: venv writes that down, after its options.
made_in=$(sed -n 's|^command = .* -m venv \(--[^ ]* \)*/|/|p' "$folder/pyvenv.cfg" 2>/dev/null || true)
moved() { [ -n "$made_in" ] && [ "$(readlink -f "$made_in")" != "$(readlink -f "$folder")" ]; }

# Another Python (the system was upgraded), Picamera2 that came or went, an interruption half-way, or a folder that was
# moved or copied: the environment is made anew. It is emptied first, which drops a numpy of pip's that would hide apt's.
unfinished=$folder/.unfinished
if [ "$(version "$folder/bin/python")" != "${wanted% *}" ] || [ -e "$unfinished" ] || moved ||
    ! grep -qx "include-system-site-packages = $sees_system" "$folder/pyvenv.cfg" 2>/dev/null; then
    check_writable
    # What is behind a link may be somebody else's.
    if [ -L "$folder" ] && [ -e "$folder/pyvenv.cfg" ] && [ ! -e "$unfinished" ]; then
        echo "$folder is a link to $(readlink -f "$folder"), which was made for another Python or system, or was moved:" \
            "remove the link, or empty that folder, and try again" >&2
        exit 1
    fi
    set --
    if [ -n "${EMOTION_EDGE_PIP:-}" ]; then
        set -- --without-pip # see pip.sh
    else
        "$python" -I -c 'import ensurepip, venv' 2>/dev/null || "$here/apt.sh" python3-venv
    fi
    [ "$sees_system" = false ] || set -- "$@" --system-site-packages
    mkdir -p "$folder"
    find "$folder/" -mindepth 1 -delete
    touch "$unfinished"
    "$python" -I -m venv "$@" "$folder"
    sync
    rm "$unfinished"
fi

# Several lists may share an environment: each leaves its hash there.
list=$folder/.$(basename "$requirements").sha256
hash=$(sha256sum <"$requirements")
if [ "$(cat "$list" 2>/dev/null)" = "$hash" ]; then
    exit 0
fi
check_writable
pins=$(mktemp)
trap 'rm -f "$pins"' EXIT
cp "$requirements" "$pins"
if [ "$sees_system" = true ]; then
    sed -i '/^numpy==/d' "$pins"
    echo "Picamera2 is there: it and its numpy stay apt's"
fi
echo "installing the packages of $requirements into $folder"
# A long list names uv, which installs the others in a fifth of pip's time. It reads no pip.conf, so that it may not reach
# what pip does: pip then comes after it and adds what is missing. --no-config: none of the current folder's either.
# --compile-bytecode, as pip does: where PYTHONDONTWRITEBYTECODE is set, or a user may not write there, each process would
# compile what it imports, for TensorFlow 12 s.
if uv=$(grep -m 1 '^uv==' "$pins"); then
    "$here/pip.sh" "$folder/bin/python" --no-deps "$uv"
    UV_HTTP_RETRIES=1 "$folder/bin/uv" pip install --quiet --no-config --compile-bytecode \
        --python "$folder/bin/python" $dependencies --requirement "$pins" || echo "uv did not install them all; pip goes on"
fi
# --no-deps: the list is complete, and nothing that it does not name may come in, unless the caller says otherwise.
"$here/pip.sh" "$folder/bin/python" $dependencies --requirement "$pins"
# pip may have put them elsewhere, and ended with success. A pin with a condition need not hold here.
missing=$("$folder/bin/python" -I -c '
import re, sys
from importlib.metadata import PackageNotFoundError, version

def plain(number):
    return re.sub(r"\b0+(?=\d)", "", number.partition("+")[0])

wanted, needed = {}, set()
for name, pinned, condition in re.findall(r"(?m)^([\w.-]+)(?:\[.*\])?==([^\s;]+)\s*(;?)", open(sys.argv[1]).read()):
    wanted.setdefault(name, set()).add(plain(pinned))
    if not condition:
        needed.add(name)
for name, versions in wanted.items():
    try:
        if plain(version(name)) not in versions:
            print(name)
    except PackageNotFoundError:
        if name in needed:
            print(name)' "$pins" | xargs)
if [ -n "$missing" ]; then
    echo "not in $folder after pip installed it: $missing" >&2
    echo "pip's configuration puts packages elsewhere (target, prefix or root, in what 'pip config list' shows):" \
        "take that out, or set PIP_CONFIG_FILE=/dev/null, and try again" >&2
    exit 1
fi
sync # a power cut must not leave a list of packages that are empty files
printf '%s\n' "$hash" >"$list"
