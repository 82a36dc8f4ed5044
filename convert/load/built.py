"""What every format's model is built into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Built:
    """A float network of TFLite, and the model itself to compare it with."""

    content: bytes
    """The float ``.tflite`` file."""

    run: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    """The model by its own framework: ``(N, H, W, C)`` to ``(N, K)``."""

    simplified: bool = False
    """Whether `run` is of what onnxsim made of the model, as that does not run itself."""
