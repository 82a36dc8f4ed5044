"""Blink an LED on a GPIO pin when a face's emotion becomes another one. A hook of emotion-edge starts this.

    [[hooks]]
    on = "changed"
    emotion = "happy"
    command = ["/usr/bin/python3", "/usr/local/lib/emotion-edge/led.py", "17"]

Needs gpiozero, which Raspberry Pi OS has: sudo apt install python3-gpiozero. docs/hooks.md says how the service
may use the pins.
"""

import json
import os
import sys

os.environ.setdefault("LG_WD", "/tmp")  # noqa: S108  # lgpio, below gpiozero, makes a file where it is started: hooks start in /

from gpiozero import LED

_BLINKS = 5
"""gpiozero turns a pin off when the program ends, so the light lasts as long as this program runs."""

event = json.load(sys.stdin)
pin = sys.argv[1] if len(sys.argv) > 1 else "17"
print(event["device"], "shows", event["emotion"], "on pin", pin)
LED(pin).blink(on_time=0.2, off_time=0.2, n=_BLINKS, background=False)
