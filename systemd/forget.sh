#!/bin/sh
# Remove the devices of this machine's configurations from their brokers, where their daemons are stopped: the retained
# topics, and Home Assistant's announcement. uninstall.sh and the Debian package call it. Usage: forget.sh COMMAND
set -eu
command=$1

for config in /etc/emotion-edge/*.toml; do
    [ -e "$config" ] || continue
    name=$(basename "$config" .toml)
    unit=emotion-edge@$name
    [ "$name" != config ] || unit=emotion-edge
    credential=/etc/credstore/$unit.mqtt-password
    # systemd's copy of the password ended with the service.
    if [ -e "$credential" ] && grep -q "^[^#]*/run/credentials/$unit[.]service/" "$config"; then
        export EMOTION_EDGE_MQTT__PASSWORD_FILE="$credential"
    fi
    timeout 30 "$command" forget --config "$config" ||
        echo "the broker was not cleared; later, from any machine:" \
            "emotion-edge forget --broker URL --password-file FILE --device NAME"
    unset EMOTION_EDGE_MQTT__PASSWORD_FILE
done
