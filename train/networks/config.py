"""What the configurations of all networks have in common."""

from __future__ import annotations

from typing import ClassVar

from edge.frozen import FrozenModel


class NetworkSettings(FrozenModel):
    """The configuration of a network; each subclass has a `kind` of its own, by which recipes name it."""

    size: ClassVar[int] = 48
    """Width and height of the pictures that the network takes, in pixels; faces are enlarged to it."""

    landmarks: ClassVar[bool] = False
    """Whether it takes the landmarks of face meshes instead of pictures."""

    one_model: ClassVar[bool] = False
    """Whether its outputs cannot be divided among the models of two heads for emotions: they have no kernel each."""

    gradients: ClassVar[bool] = True
    """Whether it is trained by gradients; a forest is grown instead."""

    depthwise: ClassVar[bool] = False
    """Whether its convolutions are depthwise ones: CPUs run those many times slower in bfloat16 than in float32."""
