"""The two halves of a transformer's layer, each added to what it takes: attention, and two dense layers.

Vaswani et al., "Attention Is All You Need", NeurIPS 2017, with the normalisation before each half; Xiong et al., "On
Layer Normalization in the Transformer Architecture", ICML 2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from keras import layers

if TYPE_CHECKING:
    from collections.abc import Callable


class TransformerWidths(Protocol):
    """What both halves need of a network's configuration."""

    @property
    def width(self) -> int:
        """Values of each token."""

    @property
    def attention_heads(self) -> int:
        """Heads, each of an equal part of the width."""

    @property
    def dropout(self) -> float:
        """Of what is added."""


def attend(x: Any, seen: Any, config: TransformerWidths, name: str, *, causal: bool = False) -> Any:
    """Add what each token finds in what is seen, or among the others if that is None; with `causal`, among earlier."""
    asked = layers.LayerNormalization(name=f"{name}_norm")(x)
    attention: Callable[..., Any] = layers.MultiHeadAttention(
        config.attention_heads, config.width // config.attention_heads, name=f"{name}_attention"
    )
    found = attention(asked, asked if seen is None else seen, use_causal_mask=causal)
    return layers.Add(name=f"{name}_attended")([x, layers.Dropout(config.dropout, name=f"{name}_drop")(found)])


def think(x: Any, config: TransformerWidths, name: str) -> Any:
    """Add what two dense layers make of each token by itself."""
    y = layers.LayerNormalization(name=f"{name}_mlp_norm")(x)
    y = layers.Dense(4 * config.width, activation="gelu", name=f"{name}_mlp1")(y)
    y = layers.Dense(config.width, name=f"{name}_mlp2")(y)
    return layers.Add(name=f"{name}_out")([x, layers.Dropout(config.dropout, name=f"{name}_mlp_drop")(y)])
