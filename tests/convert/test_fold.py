"""What would have to happen before a network happens in it: gray levels in, scaled as in its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import pytest

from convert.fold import PADDED
from convert.graph import Padding
from convert.scaling import PLAIN, Scaling
from tests.convert.folded import UNIT, judged
from tests.convert.small import LABELS, SIZE, classifier, draw, kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from convert.graph import Graph, Operator

L = keras.layers

SIGNED = Scaling(range=(-1, 1), mean=(0,), std=(1,))
STANDARD = Scaling(range=(0, 1), mean=(0.508,), std=(0.255,))
INVERTED = Scaling(range=(1, 0), mean=(0.25,), std=(0.5,))
ALL_ABOVE_ZERO = Scaling(range=(0, 1), mean=(-0.5,), std=(0.5,))
IMAGENET = Scaling(range=(0, 1), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
CAFFE = Scaling(range=(0, 255), mean=(103.939, 116.779, 123.68), std=(1, 1, 1))

BORDERED: dict[str, Callable[[], list[Any]]] = {
    "same": lambda: [L.Conv2D(4, 3, padding="same")],
    "wide": lambda: [L.Conv2D(4, (3, 6), padding="same")],
    "stride": lambda: [L.Conv2D(4, 3, strides=2, padding="same")],
    "dilated": lambda: [L.Conv2D(4, 3, dilation_rate=2, padding="same")],
    "explicit": lambda: [L.ZeroPadding2D(1), L.Conv2D(4, 3)],
    "lopsided": lambda: [L.ZeroPadding2D(((0, 1), (0, 2))), L.Conv2D(4, 3, strides=2, use_bias=False)],
    "twice": lambda: [L.ZeroPadding2D(1), L.Conv2D(4, 3, padding="same", activation="relu")],
}
"""First layers that see zeros around the picture."""


def said(case: Any) -> str | None:
    """Name a case by its scaling."""
    return f"{case.range}-{case.mean}-{case.std}" if isinstance(case, Scaling) else None


def first_convolution(graph: Graph) -> Operator:
    return next(operator for operator in graph.operators if operator.kind == "CONV_2D")


def channels_read(graph: Graph) -> int:
    """Return how many channels the first convolution reads."""
    return first_convolution(graph).read[1].shape[-1]


def channels(scaling: Scaling) -> int:
    return len(scaling.mean)


def colour(scaling: Scaling) -> Scaling:
    """The same for three channels."""
    return scaling.model_copy(update={"mean": scaling.mean * 3, "std": scaling.std * 3})


@pytest.mark.parametrize(
    ("first", "scaling"),
    [("same", PLAIN), ("same", colour(PLAIN)), ("explicit", colour(UNIT)), ("twice", UNIT)],
    ids=said,
)
def test_where_black_is_zero_the_border_stays_as_it_is(first: str, scaling: Scaling) -> None:
    graph = judged(classifier(*BORDERED[first](), channels=channels(scaling)), scaling)
    assert "PADV2" not in kinds(graph)
    assert channels_read(graph) == 1


@pytest.mark.parametrize(
    ("first", "scaling", "level"),
    [
        *((first, SIGNED, 127.5) for first in BORDERED),
        ("same", STANDARD, 0.508 * 255),
        ("same", INVERTED, 0.75 * 255),
        ("explicit", colour(SIGNED), 127.5),
    ],
    ids=said,
)
def test_where_one_gray_level_is_zero_the_border_has_that_level(first: str, scaling: Scaling, level: float) -> None:
    graph = judged(classifier(*BORDERED[first](), channels=channels(scaling)), scaling)
    assert kinds(graph)[:2] == ["PADV2", "CONV_2D"]
    with_level = graph.operators[0].read[2].values
    assert with_level is not None
    assert with_level.item() == pytest.approx(level)
    assert channels_read(graph) == 1
    assert first_convolution(graph).options.padding == Padding.VALID


@pytest.mark.parametrize(
    ("first", "scaling"),
    [
        *((first, IMAGENET) for first in ("same", "stride", "dilated", "lopsided", "twice")),
        ("wide", CAFFE),
        ("explicit", ALL_ABOVE_ZERO),
    ],
    ids=said,
)
def test_where_no_gray_level_is_zero_a_second_channel_tells_the_border(first: str, scaling: Scaling) -> None:
    graph = judged(classifier(*BORDERED[first](), channels=channels(scaling)), scaling)
    assert kinds(graph)[0] == "PADV2"
    assert graph.operators[0].output.shape == (1, SIZE, SIZE, 2)
    assert channels_read(graph) == 2


@pytest.mark.parametrize("scaling", [PLAIN, SIGNED, ALL_ABOVE_ZERO, IMAGENET], ids=said)
def test_without_a_border_the_first_convolution_is_the_first_operator(scaling: Scaling) -> None:
    graph = judged(classifier(L.Conv2D(4, 3), channels=channels(scaling)), scaling)
    assert kinds(graph)[0] == "CONV_2D"
    assert channels_read(graph) == 1


@pytest.mark.parametrize(
    ("layers", "scaling", "before"),
    [
        (lambda: [L.DepthwiseConv2D(3, padding="same", depth_multiplier=2)], SIGNED, "DEPTHWISE_CONV_2D"),
        (lambda: [L.DepthwiseConv2D(3, padding="same")], IMAGENET, "DEPTHWISE_CONV_2D"),
        (lambda: [L.AveragePooling2D(2), L.Conv2D(4, 3)], IMAGENET, "AVERAGE_POOL_2D"),
        (lambda: [L.Conv2D(6, 3, groups=3)], IMAGENET, "CONV_2D"),
    ],
    ids=["depthwise gray", "depthwise colour", "pooling", "groups"],
)
def test_what_starts_with_no_plain_convolution_gets_one(
    layers: Callable[[], list[Any]], scaling: Scaling, before: str
) -> None:
    graph = judged(classifier(*layers(), channels=channels(scaling)), scaling)
    assert kinds(graph)[:2] == ["CONV_2D", before]
    assert graph.operators[0].read[1].shape == (channels(scaling), 1, 1, 1)


def branched(*ways: Callable[[Any], Any], channels: int = 1) -> keras.Model:
    """Return a network whose picture goes several ways that are then joined."""
    inputs = keras.Input((SIZE, SIZE, channels))
    joined = L.Concatenate()([way(inputs) for way in ways])
    return draw(keras.Model(inputs, L.Dense(len(LABELS))(L.GlobalAveragePooling2D()(joined))))


def test_a_picture_that_two_layers_read_is_scaled_once_for_both() -> None:
    model = branched(L.Conv2D(4, 3, padding="same", activation="relu"), L.Conv2D(4, 5, padding="same"), channels=3)
    assert kinds(judged(model, IMAGENET))[:3] == ["CONV_2D"] * 3


def test_gray_that_the_network_itself_makes_colour_is_scaled_before() -> None:
    inputs = keras.Input((SIZE, SIZE, 1))
    seen = L.Conv2D(4, 3, padding="same")(L.Concatenate()([inputs] * 3))
    model = draw(keras.Model(inputs, L.Dense(len(LABELS))(L.GlobalAveragePooling2D()(seen))))
    assert kinds(judged(model, SIGNED))[:2] == ["CONV_2D", "CONCATENATION"]


NORMALIZATION = {"mean": [0.4, 0.5, 0.6], "variance": [0.04, 0.05, 0.06]}


@pytest.mark.parametrize(
    ("layers", "scaling", "read"),
    [
        (lambda: [L.Rescaling(1 / 255)], PLAIN, 1),
        (lambda: [L.Rescaling(1 / 127.5, offset=-1)], PLAIN, 1),
        (lambda: [L.Rescaling(1 / 127.5, offset=-1)], colour(PLAIN), 1),
        (lambda: [L.Rescaling(2, offset=-1)], UNIT, 1),
        (lambda: [L.Normalization(mean=[0.5], variance=[0.04])], UNIT, 1),
        (lambda: [L.Normalization(**NORMALIZATION)], colour(UNIT), 2),
        (lambda: [L.Rescaling(1 / 255), L.Normalization(**NORMALIZATION)], colour(PLAIN), 2),
        (lambda: [L.Lambda(lambda pixels: 1 - pixels)], UNIT, 1),
        (lambda: [L.Lambda(lambda pixels: (0.5 - pixels) / 0.25)], colour(UNIT), 1),
    ],
)
def test_normalisation_that_the_network_starts_with_costs_nothing(
    layers: Callable[[], list[Any]], scaling: Scaling, read: int
) -> None:
    graph = judged(classifier(*layers(), L.Conv2D(4, 3, padding="same"), channels=channels(scaling)), scaling)
    assert not {"MUL", "DIV", "ADD", "SUB"} & set(kinds(graph))
    assert channels_read(graph) == read


def test_a_first_convolution_that_works_twice_reads_gray_levels_only_once() -> None:
    twice = L.Conv2D(1, 3, padding="same")
    graph = judged(classifier(twice, L.ReLU(), twice, L.ReLU(), L.Conv2D(8, 3)), SIGNED)
    assert kinds(graph)[:3] == ["PADV2", "CONV_2D", "CONV_2D"]


def test_every_tensor_has_a_short_name_of_its_own() -> None:
    layers = [L.Conv2D(4, 3, name="stem"), L.ZeroPadding2D(name="pixels"), L.MaxPooling2D(name="logits")]
    graph = judged(classifier(*layers), UNIT)
    names = [tensor.name for tensor in graph.tensors]
    assert len(set(names)) == len(names)
    computed = [operator.output.name for operator in graph.operators]
    assert computed[:3] == ["stem", "pixels.2", "logits.2"]


@pytest.mark.parametrize(("padding", "place"), [("same", [0]), ("valid", [])])
def test_only_the_picture_has_the_name_that_gives_a_range_of_gray_levels(padding: str, place: list[int]) -> None:
    graph = judged(classifier(L.Conv2D(4, 3, padding=padding), L.ZeroPadding2D(name=PADDED)), SIGNED)
    computed = [operator.output.name for operator in graph.operators]
    assert [number for number, name in enumerate(computed) if name == PADDED] == place
    assert len(set(computed)) == len(computed)
