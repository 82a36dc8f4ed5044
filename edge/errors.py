"""What can go wrong, each with a sentence for a person and the exit code that systemd sees."""

from __future__ import annotations


class EdgeError(Exception):
    """A problem whose message says what was wrong, where, and what to do."""

    exit_code = 1


class ConfigError(EdgeError):
    """The configuration or the command line is wrong."""

    exit_code = 2


class CameraError(EdgeError):
    """There is no camera, the clip cannot be read, or the camera is gone for good."""

    exit_code = 3


class BundleError(EdgeError):
    """The model bundle is invalid."""

    exit_code = 4


class OutputError(EdgeError):
    """What was asked for cannot be written where it was asked for: a full disk, a folder that is not there."""

    exit_code = 2


class CameraHangError(EdgeError):
    """The camera stack hangs and only a new process helps."""

    exit_code = 5
