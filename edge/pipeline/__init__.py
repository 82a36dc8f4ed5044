"""Frames in, transitions out: the pure heart of the daemon."""
