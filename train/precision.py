"""In which precision a network is trained: bfloat16 where the machine multiplies it in hardware, else float32."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from train.recipes import Recipe

_CPU = Path("/proc/cpuinfo")


def policy(recipe: Recipe) -> str:
    """Return Keras' name of the precision for a recipe's network; logits and augmentation stay float32."""
    slow_on_cpus = recipe.network.depthwise or recipe.data.tracks
    return "mixed_bfloat16" if has_gpu() or (has_bfloat16() and not slow_on_cpus) else "float32"


def has_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 in hardware, which halves the time; emulation takes ten times longer."""
    if has_gpu():
        return True
    try:
        words = set(_CPU.read_text(encoding="utf-8").split())
    except OSError:  # not Linux
        return False
    return not words.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})  # x86's names and Arm's


def has_gpu() -> bool:
    """Whether the backend has a GPU."""
    if keras.backend.backend() == "torch":  # for which Keras lists no devices
        return bool(importlib.import_module("torch").cuda.is_available())
    try:
        return bool(keras.distribution.list_devices("gpu"))
    except RuntimeError:  # JAX's way to say that there is none
        return False
