"""Facial-expression recognition on a Raspberry Pi, told over MQTT.

The public surface is the command line, the topics and the model bundle; this
import name is private.
"""

from importlib.metadata import version

__version__ = version("emotion-edge")
