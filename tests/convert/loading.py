"""Writes models with their sidecars, and loads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from convert.errors import ModelError
from convert.float_runtime import FloatNetwork
from convert.graph import serialize
from convert.load import LoadedModel, load
from tests.convert import small
from tests.convert.small import LABELS, SIZE, pictures

if TYPE_CHECKING:
    from pathlib import Path

    import keras

SIZED = small.SIDECAR + f"size = [{SIZE}, {SIZE}]\n"
CHOSEN = 'output = "answer"\n'


def beside(path: Path, text: str = small.SIDECAR) -> Path:
    path.with_suffix(".toml").write_text(text)
    return path


def saved(model: keras.Model, path: Path, text: str = small.SIDECAR) -> Path:
    model.save(path)
    return beside(path, text)


def exported(model: keras.Model, path: Path, text: str = small.SIDECAR) -> Path:
    model.export(path, verbose=False)
    return beside(path, text)


def written(model: Any, path: Path, text: str = small.SIDECAR) -> Path:
    path.write_bytes(model.SerializeToString())
    return beside(path, text)


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


def loaded(path: Path) -> LoadedModel:
    """Load a model and see that the float network says of every picture what the model's own framework says."""
    source = load(path)
    pixels = source.spec.scaling.apply(pictures(40))
    given = source.run(pixels)
    assert given.shape == (40, len(LABELS))
    assert np.abs(FloatNetwork(serialize(source.network)).run(pixels) - given).max() < 1e-5
    return source
