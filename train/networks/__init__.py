"""Architectures: one file each, a frozen configuration and a function that builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from keras import ops
from pydantic import Field

from train.networks.cnn_deep_head import CnnDeepHeadConfig, cnn_deep_head
from train.networks.cnn_gru import CnnGruConfig, cnn_gru
from train.networks.cnn_no_memory import CnnNoMemoryConfig, cnn_no_memory
from train.networks.cnn_transformer import CnnTransformerConfig, cnn_transformer
from train.networks.cnn_two_block import CnnTwoBlockConfig, cnn_two_block
from train.networks.cnn_wide import CnnWideConfig, cnn_wide
from train.networks.ddamfn import DdamfnConfig, ddamfn
from train.networks.efficientnet_b0 import EfficientNetB0Config, efficientnet_b0
from train.networks.landmark_ft_transformer import LandmarkFtTransformerConfig, landmark_ft_transformer
from train.networks.landmark_gnn import LandmarkGnnConfig, landmark_gnn
from train.networks.landmark_mlp import LandmarkMlpConfig, landmark_mlp
from train.networks.random_forest_head import RandomForestHeadConfig, random_forest_head
from train.networks.resnet import ResNetConfig, resnet
from train.networks.resnet_attention import ResNetAttentionConfig, resnet_attention
from train.networks.transformer_encoder_decoder import (
    TransformerEncoderDecoderConfig,
    transformer_encoder_decoder,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

    from train.networks.config import NetworkSettings

NetworkConfig = Annotated[
    CnnDeepHeadConfig
    | CnnGruConfig
    | CnnNoMemoryConfig
    | CnnTransformerConfig
    | CnnTwoBlockConfig
    | CnnWideConfig
    | DdamfnConfig
    | EfficientNetB0Config
    | LandmarkFtTransformerConfig
    | LandmarkGnnConfig
    | LandmarkMlpConfig
    | RandomForestHeadConfig
    | ResNetAttentionConfig
    | ResNetConfig
    | TransformerEncoderDecoderConfig,
    Field(discriminator="kind"),
]
"""The configuration of any network; `kind` says of which."""


_BUILDERS: dict[type[NetworkSettings], Callable[[Any, int], keras.Model]] = {
    CnnDeepHeadConfig: cnn_deep_head,
    CnnGruConfig: cnn_gru,
    CnnNoMemoryConfig: cnn_no_memory,
    CnnTransformerConfig: cnn_transformer,
    CnnTwoBlockConfig: cnn_two_block,
    CnnWideConfig: cnn_wide,
    DdamfnConfig: ddamfn,
    EfficientNetB0Config: efficientnet_b0,
    LandmarkFtTransformerConfig: landmark_ft_transformer,
    LandmarkGnnConfig: landmark_gnn,
    LandmarkMlpConfig: landmark_mlp,
    RandomForestHeadConfig: random_forest_head,
    ResNetAttentionConfig: resnet_attention,
    ResNetConfig: resnet,
    TransformerEncoderDecoderConfig: transformer_encoder_decoder,
}


def build(config: NetworkConfig, classes: int) -> keras.Model:
    """Build a network.

    Returns:
        A model from ``(N, size, size, 1)`` gray levels 0..255, or ``(N, 478, 3, 1)`` landmarks, to ``(N, classes)``
        float32 logits or, of those over frames, from ``(N, T, embedding)`` to ``(N, T, classes)``, and of a forest from
        ``(N, D)`` features; its last weights are the kernel and the bias of the logits, but for a `one_model`.
    """
    return _BUILDERS[type(config)](config, classes)


def fitted(images: Any, network: keras.Model) -> Any:
    """Return ``(N, H, W, 1)`` pictures in the size that a network takes, bilinearly enlarged."""
    side = network.input_shape[1:3]
    return images if images.shape[1:3] == side else ops.image.resize(images, side, interpolation="bilinear")


__all__ = [
    "CnnDeepHeadConfig",
    "CnnGruConfig",
    "CnnNoMemoryConfig",
    "CnnTransformerConfig",
    "CnnTwoBlockConfig",
    "CnnWideConfig",
    "DdamfnConfig",
    "EfficientNetB0Config",
    "LandmarkFtTransformerConfig",
    "LandmarkGnnConfig",
    "LandmarkMlpConfig",
    "NetworkConfig",
    "RandomForestHeadConfig",
    "ResNetAttentionConfig",
    "ResNetConfig",
    "TransformerEncoderDecoderConfig",
    "build",
    "fitted",
]
