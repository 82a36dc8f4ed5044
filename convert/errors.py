"""What can be wrong with a model that is to be converted."""

from __future__ import annotations

from edge.errors import EdgeError, ExitCode


class ModelError(EdgeError):
    """The model, or what is said beside it, cannot be converted; the message is for a person."""

    exit_code = ExitCode.CONFIGURATION
