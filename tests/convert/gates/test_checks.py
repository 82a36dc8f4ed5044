from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from convert import evaluate, gates
from convert.graph import parse
from convert.inspection import summarize
from edge.errors import BundleError
from edge.inference.outputs import Logits, OutputLabels
from edge.inference.runtime import installed
from train.evaluate.metrics import Metrics, measure

if TYPE_CHECKING:
    from tests.convert.conftest import Converted

OUTPUTS = OutputLabels(("angry", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise"))


def metrics(right: int, n: int = 1000) -> Metrics:
    answers = np.eye(2, dtype=np.float32)[[0] * right + [1] * (n - right)]
    return measure(answers, np.zeros(n, np.intp), ("a", "b"))


@pytest.mark.parametrize(("right", "holds"), [(830, True), (820, True), (819, False), (835, True)])
def test_one_point_is_one_point(right: int, holds: bool) -> None:  # noqa: FBT001  # pytest gives it
    result = gates.accuracy_kept("litert", 0.83, metrics(right), 1.0)
    assert result.holds is holds


def test_a_drop_says_by_how_much() -> None:
    result = gates.accuracy_kept("litert", 0.85, metrics(825), 1.0)
    assert "2.50 points lost, 1.50 more than allowed" in result.sentence
    assert "litert" in result.gate


def test_contract_breaches_are_named(converted: Converted) -> None:
    content = converted.network.read_bytes()
    summary = summarize(parse(content))
    assert gates.as_contracted(content, summary, OUTPUTS).holds
    for breach, said in [
        (replace(summary, input_shapes=((-1, 48, 48, 1),)), "left open"),
        (replace(summary, output_names=("output_0",)), "'logits'] is wanted"),
        (replace(summary, output_shapes=((1, 7),)), "these labels are named: angry"),
        (replace(summary, input_shapes=((1, 48, 48, 1), (1, 2))), "its inputs"),
    ]:
        result = gates.as_contracted(content, breach, OUTPUTS)
        assert not result.holds
        assert said in result.sentence


def test_names_of_a_network_are_safe_to_show(converted: Converted) -> None:
    summary = summarize(parse(converted.network.read_bytes()))
    assert gates.all_integer(summary).holds
    result = gates.all_integer(replace(summary, float_operators=("\x1b[2J",), float_tensors=("\x1b[1A" + "t" * 1000,)))
    assert not result.holds
    assert result.sentence == f"1 tensors are float, at ?[2J; first: ?[1A{'t' * 195}…"


def test_a_version_that_is_no_text_is_shown_safely(converted: Converted) -> None:
    graph = parse(converted.network.read_bytes())
    buffer = next(buffer for record, buffer in graph.metadata if b"min_runtime" in record.name)
    buffer.data = np.frombuffer(b"\xff\x1b1.5", np.uint8)
    assert summarize(graph).min_runtime == "\N{REPLACEMENT CHARACTER}?1.5"


def test_a_network_that_no_runtime_takes_is_a_breach(converted: Converted) -> None:
    content = converted.network.read_bytes()
    broken, summary = content[: len(content) // 2], summarize(parse(content))
    result = gates.as_contracted(broken, summary, OUTPUTS)
    assert not result.holds
    assert next(iter(installed())) in result.sentence


def test_text_is_no_network() -> None:
    with pytest.raises(BundleError, match="not a TFLite file"):
        parse(b"this is a text, and a long one")


def test_agreement_counts_equal_top_classes() -> None:
    first = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    second = np.eye(2, dtype=np.float32)[[0, 0, 1, 0]]
    assert evaluate.agreement(Logits(first), Logits(second)) == 0.75
