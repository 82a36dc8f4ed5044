#!/bin/sh
# Run 'pip install' with a line for each package that it fetches, and a word about the network where that is missing.
# Usage: pip.sh PYTHON ARGUMENT...
#
# Isolated (-I): without it a pip.py in the current folder would run, as root too. EMOTION_EDGE_PIP is a wheel of pip for
# an environment that has none: Python runs it as it is.
set -eu
python=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# A user's configuration may ask for installations beside the environment, which pip refuses.
export PIP_USER=0
# Two tries more, not five: an absent network is said soon.
{
    status=0
    if [ -n "${EMOTION_EDGE_PIP:-}" ]; then pip=$EMOTION_EDGE_PIP/pip; else pip=-mpip; fi
    "$python" -I "$pip" install --disable-pip-version-check --progress-bar off --retries 2 "$@" 2>&1 || status=$?
    echo "exit $status"
} | tee "$log" | awk '
    # "Downloading https://…/numpy-2.5.5-cp313-….whl (16.2 MB)": name, version and size are what a person wants to see.
    /^ *(Downloading|Using cached|Processing) .*[.]whl/ && !/[.]metadata/ {
        size = match($0, / [(][0-9.]+ [kMG]?B[)]/) ? substr($0, RSTART, RLENGTH) : ""
        file = $0
        sub(/[.]whl.*/, "", file)
        sub(/.*[ \/]/, "", file)
        split(file, part, "-")
        print "  " part[1] " " part[2] size
        fflush()
    }'
[ "$(tail -n 1 "$log")" != "exit 0" ] || exit 0

if grep -qE 'ConnectionError|NameResolutionError|ConnectTimeoutError|Network is unreachable|Max retries' "$log"; then
    echo "pip needs the network and does not reach it: connect this machine and try again" >&2
else
    grep -vE '^exit |^ *(Downloading|Using cached|Collecting)' "$log" | tail -n 15 >&2
    echo "pip failed; its last lines are above" >&2
fi
exit 1
