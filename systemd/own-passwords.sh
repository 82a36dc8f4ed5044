#!/bin/sh
# Give each instance of the service a password of its own: before, all instances had that of emotion-edge.service.
# install.sh and the Debian package call it. Usage: own-passwords.sh [ROOT]
set -eu
store=${1:-}/etc/credstore
common=$store/emotion-edge.mqtt-password

for config in "${1:-}"/etc/emotion-edge/*.toml; do
    unit=emotion-edge@$(basename "$config" .toml)
    own=$store/$unit.mqtt-password
    # An empty one is what a power cut left of a copy.
    if [ -s "$common" ] && [ ! -s "$own" ] && grep -qs "^[^#]*/run/credentials/$unit[.]service/" "$config"; then
        cp -p "$common" "$own.new"
        sync "$own.new"
        mv "$own.new" "$own"
    fi
done
