"""Facial-expression recognition on a Raspberry Pi, published over MQTT.

The public surface is the command line, the topics and the model bundle; this
import name is private.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """Return ``__version__``: looked up when it is wanted, so that `edge.cli.start` loads in a moment."""
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415

            return version("emotion-edge")
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
