"""Export a PyTorch network as ONNX with its sidecar, and check that the file computes what PyTorch does."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from onnx.reference import ReferenceEvaluator

from tests.onnx.examples import PROTOCOL

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from tests.onnx.examples import Example

TOLERANCE = 1e-4
"""How far an exported model's outputs may be from PyTorch's own."""


class ExportError(Exception):
    """An exported model does not compute what PyTorch does; the message is for a person."""


def export(model: nn.Module, example: Example, file: Path) -> None:
    """Write a model in eval mode as ONNX."""
    output = "probabilities" if example.probabilities else "logits"
    face = torch.zeros(1, len(example.mean), example.size, example.size)
    with warnings.catch_warnings():
        # PyTorch would rather have its new exporter used, but most files that there are were made by this one.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model,
            (face,),
            str(file),
            dynamo=False,
            opset_version=17,
            input_names=["faces"],
            output_names=[output],
            dynamic_axes={"faces": {0: "batch"}, output: {0: "batch"}} if example.any_batch else None,
        )


def check(file: Path, model: nn.Module, example: Example, faces: Tensor) -> None:
    """Compare a file with the model it was made from.

    Raises:
        ExportError: Some output differs by more than `TOLERANCE`.
    """
    session: Any = ReferenceEvaluator(str(file))
    with torch.inference_mode():
        expected = model(faces).numpy()
    got = np.concatenate([session.run(None, {"faces": face[None].numpy()})[0] for face in faces])
    worst = np.abs(got - expected).max()
    if not worst <= TOLERANCE:  # nan too
        message = (
            f"{example.name}: no model is written: ONNX's reference computes other outputs from the exported file than "
            f"PyTorch {torch.__version__}, by up to {worst:.2g} where {TOLERANCE:g} is allowed"
        )
        raise ExportError(message)


def sidecar(example: Example) -> str:
    """Return the text of the file that says what each output is and how the faces are normalised."""
    return (
        f"labels = {json.dumps(example.labels)}\n"
        f'protocol = "{PROTOCOL}"\n'
        "[input]\n"
        f"range = {json.dumps(example.range)}\n"
        f"mean = {json.dumps(example.mean)}\n"
        f"std = {json.dumps(example.std)}\n"
    )
