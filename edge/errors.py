"""What can go wrong, each with a sentence for a person and the exit code that systemd sees."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How the command line ends."""

    OK = 0
    """Asked to stop, or the clip ended."""

    DEFECT = 1
    """A defect of ours; `doctor`: something is broken; `forget`: the broker is away."""

    CONFIGURATION = 2
    """The configuration or the command line is wrong, or a file cannot be written."""

    CAMERA = 3
    """There is no camera, the clip cannot be read, or a camera was away for too long."""

    BUNDLE = 4
    """The model bundle is invalid."""

    CAMERA_HANGS = 5
    """The camera stack hangs, and only a new process helps."""


class EdgeError(Exception):
    """A problem whose message says what was wrong, where, and what to do."""

    exit_code = ExitCode.DEFECT


class ConfigError(EdgeError):
    """The configuration or the command line is wrong."""

    exit_code = ExitCode.CONFIGURATION


class CameraError(EdgeError):
    """There is no camera, the clip cannot be read, or the camera was away for too long."""

    exit_code = ExitCode.CAMERA


class BundleError(EdgeError):
    """The model bundle is invalid."""

    exit_code = ExitCode.BUNDLE


class BrokerError(EdgeError):
    """The broker is away, refuses, or does not do what a command needs; the daemon never ends for that."""


class OutputError(EdgeError):
    """A file or standard output cannot be written: a full disk, a folder that does not exist."""

    exit_code = ExitCode.CONFIGURATION


class DiskFullError(OutputError):
    """A file cannot be written, and no other there: the disk, or this user's share of it, is full."""


class CameraHangError(EdgeError):
    """The camera stack hangs, and only a new process helps."""

    exit_code = ExitCode.CAMERA_HANGS
