# Makes emotion-edge@.service of emotion-edge.service: emotion-edge@front reads front.toml, and has its own state.
s/^Description=.*/& (%i)/
s|/etc/emotion-edge/config[.]toml|/etc/emotion-edge/%i.toml|
s|^\(StateDirectory\)=emotion-edge$|&/%i|
s|^\(RuntimeDirectory\)=emotion-edge$|&/%i|
s|^LoadCredential=mqtt-password:emotion-edge|&@%i|
s|/etc/credstore/emotion-edge[.]|/etc/credstore/emotion-edge@NAME.|
s|/run/credentials/emotion-edge[.]service/|/run/credentials/emotion-edge@NAME.service/|
s|systemctl edit emotion-edge|&@|
/^# install.sh makes/d
