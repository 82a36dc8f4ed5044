"""What a Keras file would run, read from its description of the network before Keras loads it.

Keras rebuilds a network from names of classes. Some of them carry code, import modules or open files; Keras 3 refuses
most of them, the Keras of old runs them. So a file is loaded only if every name in it is known to compute alone.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import train.tensorflow_settings  # noqa: F401  # before Keras

# isort: split
import h5py
import keras

from convert.errors import ModelError
from convert.load.limits import check_archive, check_file, check_hdf5
from convert.load.operations import FUNCTIONS, SLICES
from edge.text import first_line, listed, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODE = frozenset({
    "FlaxLayer", "IntegerLookup", "JaxLayer", "Lambda", "StringLookup", "TFSMLayer", "TextVectorization",
    "TorchModuleWrapper",
})  # fmt: skip
"""Layers that run code of the file, or open another file."""

_PACKAGES = (
    "activations", "constraints", "dtype_policies", "initializers", "layers", "quantizers", "random", "regularizers",
)  # fmt: skip
_OLD = frozenset({
    "BatchNormalizationV1", "Functional", "LocallyConnected2D", "Model", "Policy", "Sequential",
    "SyncBatchNormalization", "TensorShape", "ThresholdedReLU",
})  # fmt: skip
"""Names of Keras 2, and of networks."""

_VALUES = frozenset(
    ["__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__", "__tuple__", "dict", "slice"]
)
_MODULE = re.compile(
    rf"(tf_)?keras(\.src)?(\.({'|'.join([*_PACKAGES, 'engine', 'mixed_precision', 'models'])})(\..+)?)?"
)
_OPERATIONS = re.compile(r"keras(\.src)?\.ops(\..+)?")
_CALLING = frozenset({
    "AssociativeScan", "Cond", "ForiLoop", "Function", "JVP", "Map", "Operation", "Scan", "Switch", "VectorizedMap",
    "WhileLoop",
})  # fmt: skip
"""Operations of Keras 3 that call a function they are given."""
_OF_TENSORFLOW = {"SlicingOpLambda": SLICES, "TFOpLambda": FUNCTIONS}
"""Layers of Keras 2 that call a function of TensorFlow, by its name, and the functions that they may call."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_DEEPEST = 200
_NOT_KERAS = "not a Keras model"


def check_keras(path: Path) -> None:
    """Read how large a Keras file is and what its network is made of, without loading it.

    Raises:
        ModelError: It is none, it is too large, or something in it may do more than compute.
    """
    check_file(path)
    try:
        config = _from_archive(path) if _is_archive(path) else _from_hdf5(path)
        found = sorted(set(_doubtful(config)))
    except ModelError:
        raise
    except Exception as error:  # zipfile and h5py raise errors of many kinds, zlib's and lzma's own among them
        message = f"{path}: {_NOT_KERAS}: {first_line(error)}"
        raise ModelError(message) from error
    if found:
        message = (
            f"{path}: it is not loaded, since it has {listed(found)}: code of its own, or nothing that Keras knows; "
            "with --trust a model that you made yourself is loaded"
        )
        raise ModelError(message)


def _is_archive(path: Path) -> bool:
    """Return what Keras takes a file for: it goes by the ending alone, so a file that is also the other is refused."""
    if path.suffix.lower() == ".keras":
        if h5py.is_hdf5(path):
            message = f"{path}: it ends with .keras, but is an HDF5 file, as .h5 files are; name it .h5"
            raise ModelError(message)
        return True
    if zipfile.is_zipfile(path):
        message = f"{path}: it ends with {path.suffix}, but is an archive, as .keras files are; name it .keras"
        raise ModelError(message)
    return False


def _from_archive(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        check_archive(path, archive)
        for name in archive.namelist():
            if name.endswith(".h5"):
                with h5py.File(io.BytesIO(archive.read(name)), "r") as weights:
                    check_hdf5(path, weights)
            elif name.endswith(".npz"):
                message = f"{path}: its weights are {printable(name, 60)}, but .h5 is wanted"
                raise ModelError(message)
        if "config.json" not in archive.namelist():
            message = "the archive has no config.json"
            raise ValueError(message)
        config = _parsed(archive.read("config.json").decode())
        if isinstance(config, dict):
            config.pop("compile_config", None)  # optimiser and loss, which are not loaded
        return config


def _from_hdf5(path: Path) -> Any:
    with h5py.File(path, "r") as file:
        check_hdf5(path, file)
        if "model_config" not in file.attrs:
            message = (
                f"{path}: it holds weights only, not the network that they belong to; build the network in Python, "
                "load them, and save the whole model: model.save('model.keras')"
            )
            raise ModelError(message)
        description = file.attrs["model_config"]
        return _parsed(description.decode() if isinstance(description, bytes) else str(description))


def _parsed(text: str) -> Any:
    """Parse a description; TensorFlow may have raised Python's limit of nesting beyond what the stack holds."""
    depth = accumulate({"[": 1, "{": 1}.get(mark, -1) for mark in re.findall(r"[][{}]", _STRING.sub("", text)))
    if max(depth, default=0) > _DEEPEST:
        message = "its description is nested too deeply"
        raise ValueError(message)
    return json.loads(text)


def _doubtful(config: Any) -> Iterator[str]:
    """Yield the names in a description that are not known to be harmless."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "class_name" in part and not _is_harmless(part):
                yield _named(part)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _named(part: dict[str, Any]) -> str:
    """Return what a part of a description is, for a message."""
    name, inside = str(part["class_name"]), part.get("config")
    if name in _OF_TENSORFLOW:
        return f"{name} of {_function(inside) or 'no function'}"
    return f"a function {inside}" if name == "function" else name


def _function(inside: Any) -> str:
    """Return the function of TensorFlow that a layer of Keras 2 calls."""
    function = inside.get("function") if isinstance(inside, dict) else None
    return function if isinstance(function, str) else ""


def _is_harmless(part: dict[str, Any]) -> bool:
    name, module, inside = part["class_name"], part.get("module"), part.get("config")
    registered = part.get("registered_name")  # the Keras of old looks for this name too
    if not isinstance(name, str) or not isinstance(module, str | None) or registered not in (None, name, inside):
        return False
    if name in _OF_TENSORFLOW:
        return (module is None or bool(_MODULE.fullmatch(module))) and _function(inside) in _OF_TENSORFLOW[name]
    if name == "function":
        return module in {None, "builtins"} and isinstance(inside, str) and inside in _names()
    if module is None or module == "builtins":
        return name in _VALUES or (module is None and name in _names())
    if _OPERATIONS.fullmatch(module):  # the Keras of old takes the name alone
        return name in _operations()
    return bool(_MODULE.fullmatch(module)) and name in _names()


@cache
def _operations() -> frozenset[str]:
    """Return the names of the operations of Keras 3 that may be in a file."""
    found, waiting = set(), [keras.Operation]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            if _OPERATIONS.fullmatch(kind.__module__):
                found.add(kind.__name__)
    return frozenset(found - _CALLING)


@cache
def _names() -> frozenset[str]:
    """Return the names of Keras that may be in a file."""
    found = {name for package in _PACKAGES for name in dir(getattr(keras, package)) if not name.startswith("_")}
    return frozenset(found - CODE - {"deserialize", "get", "serialize"}) | _OLD
