"""Endless synthetic people, for trying, testing and measuring without a camera.

The faces are averages over at least a hundred people each: they show nobody.
"""

from edge.testcard.crowd import Crowd
from edge.testcard.scene import Scene, Truth, device_seed

__all__ = ["Crowd", "Scene", "Truth", "device_seed"]
