"""Read a model, in whatever format it comes, into one float network of known layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convert.errors import ModelError
from convert.graph import parse
from convert.load.process import ModelProcess
from convert.spec import complete
from edge.errors import BundleError
from edge.files import is_folder, is_there

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from convert.graph import Graph
    from convert.spec import ModelSpec

_FORMATS = {".keras": "keras_file", ".h5": "keras_file", ".hdf5": "keras_file", ".onnx": "onnx_file"}
"""Which module of this package reads which ending; a folder is a SavedModel."""


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model as it came, and the same as a float network of TFLite."""

    path: Path
    spec: ModelSpec

    network: Graph
    """From ``[1, H, W, C]`` normalised pixels to ``[1, K]`` logits or probabilities, float32."""

    run: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    """The same by the framework that the file is of: ``(N, H, W, C)`` to ``(N, K)``."""

    simplified: bool = False
    """Whether `run` is of what onnxsim made of an ONNX file, which did not run itself."""


def load(path: Path, *, trusted: bool = False) -> LoadedModel:
    """Load a ``.keras``, ``.h5`` or ``.onnx`` file or a SavedModel, in a process that may not write.

    Args:
        path: The file or folder.
        trusted: Whether it may run code of its own; only for who made it.

    Raises:
        ModelError: It is none of these, it has a loop, its form is not that of a classifier of pictures, something that
            it cannot say of itself is not said beside it, or it may run code and is not trusted.
        DataError: The training report beside it is damaged.
    """
    if not is_there(path):
        message = f"{path}: there is no such file; name a .keras, .h5 or .onnx file or a SavedModel's folder"
        raise ModelError(message)
    module = "saved_model" if is_folder(path) else _FORMATS.get(path.suffix.lower())
    if not module or not path.name:
        message = f"{path}: its format is unknown; a .keras, .h5 or .onnx file or a SavedModel's folder is wanted"
        raise ModelError(message)
    process = ModelProcess(path, module, trusted=trusted)
    spec = complete(path, process.facts)
    try:
        network = parse(process.build(spec))
    except BundleError as error:
        message = (
            f"{path}: it has a loop or a branch (LSTM, GRU, While), which a bundle cannot hold; "
            "build its recurrent layers with unroll=True"
        )
        raise ModelError(message) from error
    shape = network.outputs[0].shape
    if sum(size != 1 for size in shape) != 1 or max(shape) != len(spec.labels):
        message = (
            f"{path}: its output is {list(shape)}, but {len(spec.labels)} labels are named: {', '.join(spec.labels)}"
        )
        raise ModelError(message)
    return LoadedModel(path, spec, network, process.run, process.simplified)


__all__ = ["LoadedModel", "ModelError", "load"]
