"""An endless synthetic person, for trying, testing and measuring without a camera.

The faces are averages over at least a hundred people each: they show nobody.
"""

from edge.testcard.scene import Scene, Truth

__all__ = ["Scene", "Truth"]
