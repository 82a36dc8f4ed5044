"""What a hook may fail of."""

from __future__ import annotations


class HookFailureError(Exception):
    """A hook did not do its work; the message says why, as the second half of a sentence."""
