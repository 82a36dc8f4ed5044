#!/bin/sh
# Make a virtual environment of pinned packages with this checkout's code in it, or bring one up to date. Where nothing
# changed, nothing is done. Usage, in the checkout: checkout.sh FOLDER PYTHON REQUIREMENTS MARK
#
# MARK is a file in FOLDER. It holds the path of the checkout whose code is there, and is as new as what it was made of.
set -eu
folder=$1 python=$2 requirements=$3 mark=$4
here=$(pwd -P)

# An environment behind a link may be another checkout's: it is left as it is.
if [ -L "$folder" ]; then
    code=$("$folder/bin/python" -I -c '
import json
from importlib.metadata import distribution
from urllib.parse import unquote, urlsplit
about = json.loads(distribution("emotion-edge").read_text("direct_url.json"))
print(unquote(urlsplit(about["url"]).path))' 2>/dev/null || true)
    if [ -n "$code" ] && [ "$code" != "$here" ]; then
        echo "$folder is a link to an environment with the code of $code, and is left as it is;" \
            "for one of this checkout's own, remove the link" >&2
        exit 0
    fi
fi
requirements/venv.sh "$folder" "$python" "$requirements"
if [ "$(cat "$mark" 2>/dev/null)" != "$here" ] || [ -n "$(find pyproject.toml "$requirements" -newer "$mark")" ]; then
    requirements/pip.sh "$folder/bin/python" --no-deps --editable .
    sync # a power cut must not leave the mark beside a command that is an empty file
    printf '%s\n' "$here" >"$mark"
fi
