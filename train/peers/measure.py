"""Ours and others' networks side by side: arithmetic, and milliseconds timed in turn."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from convert.anatomy import dissect
from convert.load.export import to_plain_int8, to_tflite
from edge.quiet import native_stderr_hidden
from train.peers.known import PEERS, Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Key = TypeVar("Key")

_FACES = 20
"""Faces of one turn."""

_EXAMPLES = 8
"""Random pictures that set the ranges of an int8 network whose weights are random too."""


@dataclass(frozen=True)
class Measured:
    """One model among the others, and what it costs."""

    model: Peer
    ours: bool
    macs: int | None
    int8_ms: float | None
    """A face's milliseconds on one thread in LiteRT, median; None of a network that is not at hand."""

    float32_ms: float | None
    """The same in float32, as most others are shipped; None of ours."""


def measure(ours: Mapping[Peer, bytes], rounds: int) -> list[Measured]:
    """Count and time the peers and ours.

    Args:
        ours: The bundles' ``.tflite`` files, by what is known of them.
        rounds: Turns of each network.
    """
    files = {(model, "int8"): content for model, content in ours.items()}
    files |= {(peer, form): content for peer in PEERS for form, content in _forms(peer).items()}
    times = time_in_turn(files, rounds)
    macs = {model: dissect(content).macs for (model, _), content in files.items()}
    return [
        Measured(
            model, model in ours, macs.get(model, model.macs), times.get((model, "int8")), times.get((model, "float32"))
        )
        for model in (*PEERS, *ours)
    ]


def time_in_turn(files: Mapping[Key, bytes], rounds: int) -> dict[Key, float]:
    """Give each network's milliseconds a picture: median of turns, one network after the other in each round."""
    turns = {key: _turn(content) for key, content in files.items()}
    times: dict[Key, list[float]] = {key: [] for key in files}
    for _ in range(rounds):
        for key, turn in turns.items():
            start = time.perf_counter()
            turn()
            times[key].append(1000 * (time.perf_counter() - start) / _FACES)
    return {key: median(taken) for key, taken in times.items()}


def _turn(content: bytes) -> Callable[[], None]:
    """Load a network, and give what runs it over one turn's pictures."""
    with native_stderr_hidden():  # it tells of its XNNPACK delegate
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    (into,) = interpreter.get_input_details()
    picture = np.random.default_rng(1).integers(0, 256, into["shape"]).astype(into["dtype"])

    def turn() -> None:
        for _ in range(_FACES):
            interpreter.set_tensor(into["index"], picture)
            interpreter.invoke()

    turn()
    return turn


def _forms(peer: Peer) -> dict[str, bytes]:
    """Build a peer's network with random weights, in float32 and in int8."""
    if peer.network is None:
        return {}
    network = peer.network()
    shape = network.input_shape[1:]
    noise = np.random.default_rng(1).uniform(-1, 1, (_EXAMPLES, *shape)).astype(np.float32)
    return {
        "float32": to_tflite(Path(peer.name), network, shape, network),
        "int8": to_plain_int8(network, shape, network, noise),
    }
