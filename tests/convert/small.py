"""Networks of 32x32 pixels whose weights are drawn and not learned: Keras, ONNX, and TFLite files by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import flatbuffers
import keras
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from convert.fold import fold
from convert.graph import Graph, parse
from convert.load.export import to_tflite
from convert.scaling import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Rows = NDArray[np.float32]

SIZE = 32
LABELS = ("surprise", "angry", "happy", "sad")
"""In no order of the alphabet, so that an order that gets lost shows."""

ORDER = tuple(LABELS.index(label) for label in sorted(LABELS))
SIDECAR = """
labels = ["surprise", "angry", "happy", "sad"]
protocol = "ferplus-majority"
[input]
range = [0.0, 1.0]
mean = [0.5]
std = [0.25]
"""


def pictures(count: int = 12) -> NDArray[np.uint8]:
    """Return ``(N, 32, 32)`` gray levels: gratings of any direction, fineness, brightness and contrast, with noise."""
    random = np.random.default_rng(3)
    one = (count, 1, 1)
    cycles = [random.uniform(-0.5, 0.5, one) * np.arange(SIZE).reshape(shape) for shape in ((1, SIZE, 1), (1, 1, SIZE))]
    waves = np.sin(2 * np.pi * (cycles[0] + cycles[1] + random.random(one)))
    levels = random.uniform(40, 215, one) + random.uniform(10, 120, one) * waves
    noisy: NDArray[np.uint8] = (levels + random.normal(0, 8, levels.shape)).clip(0, 255).astype(np.uint8)
    return noisy


def draw(model: keras.Model, seed: int = 5) -> keras.Model:
    """Draw weights and biases that keep activations about as large as they come, and return the network."""
    random = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)):
            fan_in = np.prod(layer.get_weights()[0].shape[:-1])
            layer.set_weights([random.normal(0, fan_in**-0.5, part.shape) for part in layer.get_weights()])
    return model


def spread(model: keras.Model, pixels: Rows) -> keras.Model:
    """Let the last layer's answers differ from picture to picture: zero on average, with a deviation of 1.

    Else all probabilities would be about equal, or all certain, and no mistake could show in them.
    """
    last = next(
        layer for layer in reversed(model.layers) if isinstance(layer, (keras.layers.Dense, keras.layers.Conv2D))
    )
    given = np.asarray(keras.Model(model.input, last.output)(pixels)).reshape(len(pixels), -1)
    weights, bias = last.get_weights()
    scale = 1 / given.std(axis=0)
    last.set_weights([weights * scale, (bias - given.mean(axis=0)) * scale])
    return model


def chain(*layers: keras.layers.Layer, channels: int = 1) -> keras.Model:
    """Return a network of one picture, a layer after the other."""
    inputs = given = keras.Input((SIZE, SIZE, channels))
    for layer in layers:
        given = layer(given)
    return draw(keras.Model(inputs, given))


def classifier(*layers: keras.layers.Layer, channels: int = 1) -> keras.Model:
    """Return one that ends with an average over the picture and four logits."""
    end = (keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(len(LABELS)))
    return chain(*layers, *end, channels=channels)


def as_graph(model: keras.Model) -> Graph:
    """Return the float network of TFLite that computes the same."""
    return parse(to_tflite(Path("small"), lambda pixels: model(pixels, training=False), model.input_shape[1:], model))


def of_gray_levels(model: keras.Model) -> Graph:
    """Return a network that takes gray levels as they are, as the converter names its tensors."""
    return fold(as_graph(model), PLAIN, range(len(LABELS)), probabilities=False)


def kinds(graph: Graph) -> list[str]:
    """Return the operators' names in the order in which they run."""
    return [operator.kind for operator in graph.operators]


def nothing() -> Graph:
    """Return a TFLite file with neither tensors nor operators, to build a network in."""
    model = schema.ModelT()
    model.version, model.buffers, model.operatorCodes, model.subgraphs = 3, [schema.BufferT()], [], [schema.SubGraphT()]
    for name in ("tensors", "operators", "inputs", "outputs"):
        setattr(model.subgraphs[0], name, [])
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return parse(bytes(builder.Output()))


@dataclass(frozen=True, eq=False)
class Weights:
    """Of a convolution with a border, ReLU, average, and a dense layer; the same in every framework."""

    kernel: Rows
    """``(3, 3, C, 8)``"""

    bias: Rows
    dense: Rows
    """``(8, 4)``"""

    dense_bias: Rows


def weights(channels: int) -> Weights:
    """Draw weights whose answers are spread over pixels of -2 to 2."""
    model = classifier(keras.layers.Conv2D(8, 3, padding="same", activation="relu"), channels=channels)
    pixels = (np.repeat(pictures()[..., None], channels, axis=-1) / np.float32(64) - 2).astype(np.float32)
    return Weights(*spread(model, pixels).get_weights())


def as_keras(given: Weights, size: int | None = SIZE, *, softmax: bool = False) -> keras.Model:
    """Return the Keras network with these weights; without a size it leaves that open."""
    inputs = keras.Input((size, size, given.kernel.shape[2]))
    seen = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name="seen")(inputs)
    mean = keras.layers.GlobalAveragePooling2D()(seen)
    answer = keras.layers.Dense(len(LABELS), name="answer")(mean)
    model = keras.Model(inputs, keras.layers.Softmax(name="certainty")(answer) if softmax else answer)
    model.get_layer("seen").set_weights([given.kernel, given.bias])
    model.get_layer("answer").set_weights([given.dense, given.dense_bias])
    return model


def as_onnx(
    given: Weights,
    shape: Sequence[int | str],
    *,
    softmax: bool = False,
    channels_last: bool = False,
    outputs: Sequence[str] = ("answer",),
) -> Any:
    """Return the ONNX network with these weights.

    Args:
        given: The weights.
        shape: Of the input, in its own layout; a size that is a name is left open.
        softmax: Whether it ends with one.
        channels_last: Whether it takes ``(N, H, W, C)`` and starts with a transposition.
        outputs: Names of outputs, ``answer`` or ``mean``.
    """
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415  # not installed with every Python

    inside = {"answer": "logits"} if softmax else {}
    constants = {
        "kernel": given.kernel.transpose(3, 2, 0, 1),
        "bias": given.bias,
        "dense": given.dense,
        "dense_bias": given.dense_bias,
    }
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["channels_first"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "Conv", ["channels_first" if channels_last else "pixels", "kernel", "bias"], ["seen"], pads=[1, 1, 1, 1]
        ),
        helper.make_node("Relu", ["seen"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"]),
        helper.make_node("Gemm", ["mean", "dense", "dense_bias"], [inside.get("answer", "answer")]),
        helper.make_node("Softmax", ["logits"], ["answer"], axis=1),
    ]
    graph = helper.make_graph(
        nodes[not channels_last : len(nodes) - (not softmax)],
        "small",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [shape[0], {"answer": 4, "mean": 8}[name]])
            for name in outputs
        ],
        [numpy_helper.from_array(np.ascontiguousarray(values), name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
