"""A TFLite file that is read and written again is the same network, and what is said of it is counted in it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from convert import float_runtime
from convert.float_runtime import FloatNetwork
from convert.graph import Graph, Op
from convert.inspection import arena, dissect
from edge.errors import BundleError
from tests.convert.small import classifier, kinds, nothing, of_gray_levels, pictures

L = keras.layers


@pytest.fixture(scope="module")
def content() -> bytes:
    stem = L.Conv2D(4, 3, padding="same", activation="relu", name="stem")
    return of_gray_levels(classifier(stem, L.DepthwiseConv2D(3, strides=2, name="grid")))


def test_written_once_or_twice_it_is_the_same_file(content: bytes) -> None:
    once = Graph(content).to_bytes()
    assert Graph(once).to_bytes() == once
    assert np.array_equal(float_runtime.logits(once, pictures()), float_runtime.logits(content, pictures()))


def test_what_nothing_reads_any_more_is_not_written(content: bytes) -> None:
    graph = Graph(content)
    before = (len(graph.tensors), len(graph.model.buffers), len(graph.model.operatorCodes))
    graph.add_constant("forgotten", np.zeros(1 << 16, np.float32))
    dense = graph.operators[-1]
    graph.add_operator(Op.RELU, graph.read(dense)[:1], graph.add_tensor("unread", (1, 4)), at=len(graph.operators))
    graph.remove(graph.operators[-1])
    again = Graph(graph.to_bytes())
    assert (len(again.tensors), len(again.model.buffers), len(again.model.operatorCodes)) == before
    assert np.array_equal(float_runtime.logits(graph.to_bytes(), pictures()), float_runtime.logits(content, pictures()))


def test_a_shortened_network_loses_the_weights_of_what_is_gone(content: bytes) -> None:
    graph = Graph(content)
    dense = graph.operators[-1]
    graph.set_io(graph.inputs[0], graph.read(dense)[0])
    graph.remove(dense)
    again = Graph(graph.to_bytes())
    assert kinds(again) == ["CONV_2D", "DEPTHWISE_CONV_2D", "MEAN"]
    assert len(again.tensors) == len(Graph(content).tensors) - 3  # weights, biases, and the logits
    assert FloatNetwork(again.to_bytes()).outputs == 4


def test_an_operator_can_be_put_in_between(content: bytes) -> None:
    graph = Graph(content)
    logits = graph.outputs[0]
    result = graph.add_tensor("negative", (1, 4))
    graph.add_operator(Op.NEG, [logits], result, at=len(graph.operators))
    graph.set_io(graph.inputs[0], result)
    assert np.allclose(float_runtime.logits(graph.to_bytes(), pictures()), -float_runtime.logits(content, pictures()))


def test_a_constant_that_is_set_leaves_one_with_equal_values_alone(content: bytes) -> None:
    graph = Graph(content)
    first, second = graph.add_constant("first", np.ones(4, np.float32)), graph.add_tensor("second", (4,))
    graph.tensors[second].buffer = graph.tensors[first].buffer
    graph.set_constant(first, np.zeros((2, 3), np.float32))
    assert graph.shape(first) == (2, 3)
    assert graph.constant(second) == pytest.approx(np.ones(4))


@pytest.mark.parametrize("text", [b"", b"this is a text, and a long one", b"TFL3"])
def test_text_is_no_network(text: bytes) -> None:
    with pytest.raises(BundleError, match="not a TFLite file"):
        Graph(text)


def test_layers_are_counted_as_the_file_has_them(content: bytes) -> None:
    anatomy = dissect(content)
    stem, grid, mean, dense = anatomy.layers
    assert (stem.operator, stem.name, stem.output) == ("CONV_2D", "stem", (1, 32, 32, 4))
    assert (stem.macs, stem.parameters) == (32 * 32 * 9 * 4, 9 * 4 + 4)
    assert (grid.operator, grid.name, grid.output) == ("DEPTHWISE_CONV_2D", "grid", (1, 15, 15, 4))
    assert (grid.macs, grid.parameters) == (15 * 15 * 9 * 4, 9 * 4 + 4)
    assert (mean.macs, mean.parameters) == (0, 0)
    assert (dense.macs, dense.parameters) == (4 * 4, 4 * 4 + 4)
    assert anatomy.macs == stem.macs + grid.macs + dense.macs
    assert anatomy.output_names == ("logits",)
    assert set(anatomy.float_operators) == {"CONV_2D", "DEPTHWISE_CONV_2D", "MEAN", "FULLY_CONNECTED"}


def built(sizes: dict[str, int], *steps: tuple[str, str]) -> Graph:
    """Build a network of tensors of so many floats: the first is fed, the last read; a step reads some, writes one."""
    graph = nothing()
    index = {name: graph.add_tensor(name, (size,)) for name, size in sizes.items()}
    for read, written in steps:
        graph.add_operator(Op.CUSTOM, [index[name] for name in read], index[written], at=len(graph.operators))
    graph.set_io(0, len(sizes) - 1)
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
        for name in "abc":
            graph.add_tensor(name, (1, 64, 64), kind)
        graph.add_operator(Op.RELU, [0], 1, at=0)
        graph.add_operator(Op.RELU, [1], 2, at=1)
        graph.set_io(0, 2)
        return arena(graph)

    assert (chain("float32"), chain("int8")) == (3 * 4 * 64 * 64, 3 * 64 * 64)
