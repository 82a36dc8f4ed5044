"""Architectures: one file each, a frozen configuration and a function that builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, assert_never

from pydantic import Field

from train.networks.cnn_deep_head import CnnDeepHeadConfig, cnn_deep_head
from train.networks.cnn_two_block import CnnTwoBlockConfig, cnn_two_block
from train.networks.cnn_wide import CnnWideConfig, cnn_wide
from train.networks.resnet import ResNetConfig, resnet

if TYPE_CHECKING:
    import keras

NetworkConfig = Annotated[
    CnnDeepHeadConfig | CnnTwoBlockConfig | CnnWideConfig | ResNetConfig, Field(discriminator="kind")
]
"""The configuration of any network; `kind` says of which."""


def build(config: NetworkConfig, classes: int) -> keras.Model:
    """Build a network.

    Returns:
        A model from ``(N, size, size, 1)`` gray levels 0..255 to ``(N, classes)`` float32 logits; its last weights are
        the kernel and the bias of the logits.
    """
    match config:
        case ResNetConfig():
            return resnet(config, classes)
        case CnnTwoBlockConfig():
            return cnn_two_block(config, classes)
        case CnnWideConfig():
            return cnn_wide(config, classes)
        case CnnDeepHeadConfig():
            return cnn_deep_head(config, classes)
        case _:
            assert_never(config)


__all__ = [
    "CnnDeepHeadConfig",
    "CnnTwoBlockConfig",
    "CnnWideConfig",
    "NetworkConfig",
    "ResNetConfig",
    "build",
]
