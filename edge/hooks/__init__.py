"""Hooks: programs and addresses that get events as they happen, and never slow a frame."""

from edge.hooks.hooks import Hooks

__all__ = ["Hooks"]
