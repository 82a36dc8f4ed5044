#!/bin/sh
# Make a virtual environment of pinned packages, or bring one up to date.
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

command -v "$python" >/dev/null || "$here/apt.sh" python3
version() { "$1" -I -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null; }
if ! "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$python is older than Python 3.11; name a newer one: make PYTHON=python3.11" >&2
    exit 1
fi
"$python" -I -c 'import ensurepip, venv' 2>/dev/null || "$here/apt.sh" python3-venv

has() { "$python" -I -c "import $1" 2>/dev/null; }
apt_has=
if [ "$(uname -m)" = armv7l ]; then # no OpenCV wheel there
    has cv2 || "$here/apt.sh" python3-opencv
    apt_has='numpy opencv-python-headless'
elif has picamera2; then
    apt_has=numpy
    ! has cv2 || apt_has="$apt_has opencv-python-headless"
fi

# An environment that another Python made (the system was upgraded) is made anew.
set --
[ -z "$apt_has" ] || set -- "$@" --system-site-packages
[ "$(version "$folder/bin/python")" = "$(version "$python")" ] || set -- "$@" --clear
"$python" -I -m venv "$@" "$folder"

pins=$(mktemp)
trap 'rm -f "$pins"' EXIT
cp "$requirements" "$pins"
for package in $apt_has; do
    sed -i "/^$package==/d" "$pins"
    echo "$package is apt's"
done
echo "installing the packages of $requirements into $folder"
# --no-deps: the list is complete, and nothing that it does not name may come in, unless the caller says otherwise.
"$folder/bin/python" -I -m pip install --quiet --disable-pip-version-check $dependencies --requirement "$pins"
