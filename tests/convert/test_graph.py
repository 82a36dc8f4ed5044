"""A TFLite file that is read and written again is the same network, and what is said of it is counted in it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from convert import float_runtime
from convert.float_runtime import FloatNetwork
from convert.graph import Graph, Op, parse, serialize
from convert.inspection import arena, summarize
from edge.errors import BundleError
from tests.convert.small import SIZE, classifier, draw, kinds, nothing, of_gray_levels, pictures

L = keras.layers


@pytest.fixture(scope="module")
def network() -> Graph:
    stem = L.Conv2D(4, 3, padding="same", activation="relu", name="stem")
    return parse(serialize(of_gray_levels(classifier(stem, L.DepthwiseConv2D(3, strides=2, name="grid")))))


def test_written_once_or_twice_it_is_the_same_file(network: Graph) -> None:
    once = serialize(network)
    assert serialize(parse(once)) == once == serialize(network)
    assert np.array_equal(float_runtime.logits(parse(once), pictures()), float_runtime.logits(network, pictures()))


def test_writing_changes_no_tensor_that_somebody_holds(network: Graph) -> None:
    """Tensors had numbers once, and writing renumbered them: what was held then meant another tensor."""
    graph = network.copy()
    before = float_runtime.logits(graph, pictures())
    graph.add_constant("unread", np.ones(3, np.float32))
    graph.tensors.insert(0, graph.tensors.pop())  # so that every other tensor has another number in the file
    held = graph.outputs[0]
    assert "unread" not in [tensor.name for tensor in parse(serialize(graph)).tensors]
    negative = graph.add_tensor("negative", held.shape)
    graph.add_operator(Op.NEG, [held], negative, at=len(graph.operators))
    graph.set_io(graph.inputs[0], negative)
    assert np.allclose(float_runtime.logits(graph, pictures()), -before)


def test_a_copy_and_its_original_are_edited_apart(network: Graph) -> None:
    before = serialize(network)
    copy = network.copy()
    copy.set_input(copy.operators[0], 1, np.zeros(copy.operators[0].read[1].shape, np.float32))
    copy.operators[0].options.padding = 1
    copy.outputs[0].name = "other"
    copy.remove(copy.operators[-1])
    assert serialize(network) == before


def test_what_nothing_reads_any_more_is_not_written(network: Graph) -> None:
    graph = network.copy()
    before = (len(graph.tensors), len(graph.buffers), len(graph.codes))
    graph.add_constant("forgotten", np.zeros(1 << 16, np.float32))
    unread = graph.add_tensor("unread", (1, 4))
    graph.remove(graph.add_operator(Op.RELU, graph.operators[-1].read[:1], unread, at=len(graph.operators)))
    again = parse(serialize(graph))
    assert (len(again.tensors), len(again.buffers), len(again.codes)) == before
    assert np.array_equal(float_runtime.logits(graph, pictures()), float_runtime.logits(network, pictures()))


def test_a_shortened_network_loses_the_weights_of_what_is_gone(network: Graph) -> None:
    graph = network.copy()
    dense = graph.operators[-1]
    graph.set_io(graph.inputs[0], dense.read[0])
    graph.remove(dense)
    again = parse(serialize(graph))
    assert kinds(again) == ["CONV_2D", "DEPTHWISE_CONV_2D", "MEAN"]
    assert len(again.tensors) == len(parse(serialize(network)).tensors) - 3  # weights, biases, and the logits
    assert FloatNetwork(serialize(again)).outputs == 4


def test_an_operator_can_be_put_in_between(network: Graph) -> None:
    graph = network.copy()
    result = graph.add_tensor("negative", (1, 4))
    graph.add_operator(Op.NEG, graph.outputs, result, at=len(graph.operators))
    graph.set_io(graph.inputs[0], result)
    assert np.allclose(float_runtime.logits(graph, pictures()), -float_runtime.logits(network, pictures()))


def test_a_constant_that_is_set_leaves_one_with_equal_values_alone(network: Graph) -> None:
    graph = network.copy()
    first, second = graph.add_constant("first", np.ones(4, np.float32)), graph.add_tensor("second", (4,))
    second.buffer = first.buffer
    graph.set_values(first, np.zeros((2, 3), np.float32))
    assert first.shape == (2, 3)
    assert second.values == pytest.approx(np.ones(4))


@pytest.mark.parametrize("text", [b"", b"this is a text, and a long one", b"TFL3"])
def test_text_is_no_network(text: bytes) -> None:
    with pytest.raises(BundleError, match="not a TFLite file"):
        parse(text)


def test_layers_are_counted_as_the_file_has_them(network: Graph) -> None:
    summary = summarize(network)
    stem, grid, mean, dense = summary.layers
    assert (stem.operator, stem.name, stem.output) == ("CONV_2D", "stem", (1, 32, 32, 4))
    assert (stem.macs, stem.parameters) == (32 * 32 * 9 * 4, 9 * 4 + 4)
    assert (grid.operator, grid.name, grid.output) == ("DEPTHWISE_CONV_2D", "grid", (1, 15, 15, 4))
    assert (grid.macs, grid.parameters) == (15 * 15 * 9 * 4, 9 * 4 + 4)
    assert (mean.macs, mean.parameters) == (0, 0)
    assert (dense.macs, dense.parameters) == (4 * 4, 4 * 4 + 4)
    assert summary.macs == stem.macs + grid.macs + dense.macs
    assert summary.output_names == ("logits",)
    assert set(summary.float_operators) == {"CONV_2D", "DEPTHWISE_CONV_2D", "MEAN", "FULLY_CONNECTED"}


def built(sizes: dict[str, int], *steps: tuple[str, str]) -> Graph:
    """Build a network of tensors of so many floats: the first is fed, the last read; a step reads some, writes one."""
    graph = nothing()
    tensors = {name: graph.add_tensor(name, (size,)) for name, size in sizes.items()}
    for read, written in steps:
        graph.add_operator(Op.CUSTOM, [tensors[name] for name in read], tensors[written], at=len(graph.operators))
    graph.set_io(graph.tensors[0], graph.tensors[-1])
    return graph


def test_a_chain_needs_its_input_and_two_neighbours() -> None:
    sizes = {"a": 16, "b": 64, "c": 32, "d": 48, "e": 16}
    graph = built(sizes, ("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"))
    # Whole lines of 64 bytes: a 1, b 4, c 2, d 3, e 1. The input lives to the end. b is placed at 0 and d over it,
    # c after b, a after c, and e over what c leaves.
    assert arena(graph) == 64 * (4 + 2 + 1)


def test_a_branch_is_kept_until_it_is_joined() -> None:
    sizes = {"a": 16, "b": 64, "c": 32, "d": 48, "e": 16}
    graph = built(sizes, ("a", "b"), ("b", "c"), ("c", "d"), ("bd", "e"))
    assert arena(graph) == 64 * (4 + 3 + 2 + 1)


def test_a_tensor_takes_whole_lines() -> None:
    assert arena(built({"a": 1, "b": 17}, ("a", "b"))) == 64 + 128


def test_integers_take_a_quarter_of_the_arena() -> None:
    def chain(kind: str) -> int:
        graph = nothing()
        first, second, third = (graph.add_tensor(name, (1, 64, 64), kind) for name in "abc")
        graph.add_operator(Op.RELU, [first], second, at=0)
        graph.add_operator(Op.RELU, [second], third, at=1)
        graph.set_io(first, third)
        return arena(graph)

    assert (chain("float32"), chain("int8")) == (3 * 4 * 64 * 64, 3 * 64 * 64)


def test_a_transposed_convolution_has_weights_at_each_place_of_its_input() -> None:
    made = L.Conv2DTranspose(8, 5, strides=2, padding="same", use_bias=False)
    summary = summarize(of_gray_levels(classifier(L.Conv2D(4, 1), made)))
    (layer,) = (each for each in summary.layers if each.operator == "TRANSPOSE_CONV")
    assert (layer.macs, layer.parameters) == (SIZE * SIZE * 5 * 5 * 4 * 8, 5 * 5 * 4 * 8)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_product_of_matrices_has_as_many_as_it_sums(transposed: bool) -> None:  # noqa: FBT001  # pytest's
    inputs = keras.Input((SIZE, SIZE, 1))
    rows = L.Reshape((SIZE * SIZE, 8))(L.Conv2D(8, 1)(inputs))
    left = keras.ops.transpose(rows, (0, 2, 1)) if transposed else L.Reshape((8, SIZE * SIZE))(rows)
    answer = L.Dense(4)(L.Flatten()(keras.ops.matmul(left, rows)))
    summary = summarize(of_gray_levels(draw(keras.Model(inputs, answer))))
    (layer,) = (each for each in summary.layers if each.operator == "BATCH_MATMUL")
    assert layer.macs == 8 * 8 * SIZE * SIZE
