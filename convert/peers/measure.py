"""Ours and others' networks side by side: accuracy, arithmetic, and milliseconds timed in turn."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from rich.box import SIMPLE_HEAD
from rich.table import Column, Table

from convert.graph import parse
from convert.inspection import summarize
from convert.load.export import to_plain_int8, to_tflite
from convert.peers.known import PEERS, Peer
from edge.inference.bundle import ModelBundle
from edge.inference.native_stderr import native_stderr_hidden
from edge.vision.crops import all_resized
from train.evaluate.metrics import evaluate
from train.evaluate.protocols import own_protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from train.datasets import Faces, LabelProtocol, Split

Key = TypeVar("Key")

_FACES = 20
"""Faces of one turn."""

_EXAMPLES = 8
"""Random pictures that set the ranges of an int8 network whose weights are random too."""


@dataclass(frozen=True)
class PeerFigures:
    """One model among the others, and what it costs."""

    model: Peer
    ours: bool
    macs: int | None
    int8_ms: float | None
    """A face's milliseconds on one thread in LiteRT, median; None of a network that is not at hand."""

    float32_ms: float | None
    """The same in float32, as most others are shipped; None of ours."""

    @property
    def million_macs(self) -> float | None:
        """None where its arithmetic is not known."""
        return self.macs / 1e6 if self.macs else None

    @property
    def fastest_ms(self) -> float | None:
        """Of the faster form."""
        return min((ms for ms in (self.int8_ms, self.float32_ms) if ms is not None), default=None)


def measure(
    paths: Sequence[Path], tests: Mapping[tuple[Split, LabelProtocol], Faces], rounds: int
) -> list[PeerFigures]:
    """Evaluate, count and time the peers and our bundles.

    Args:
        paths: Our ``.tflite`` files.
        tests: The protocols' faces.
        rounds: Turns of each network.

    Raises:
        BundleError: One is no valid bundle.
    """
    ours = [(_evaluated(path, tests), {"int8": path.read_bytes()}) for path in paths]
    networks = [*((peer, _forms(peer)) for peer in PEERS), *ours]
    files = {(place, form): file for place, (_, forms) in enumerate(networks) for form, file in forms.items()}
    times = time_in_turn(files, rounds)
    return [
        PeerFigures(
            model,
            place >= len(PEERS),
            summarize(parse(forms["int8"])).macs if forms else model.macs,
            times.get((place, "int8")),
            times.get((place, "float32")),
        )
        for place, (model, forms) in enumerate(networks)
    ]


def _evaluated(path: Path, tests: Mapping[tuple[Split, LabelProtocol], Faces]) -> Peer:
    """Evaluate a bundle by the labels that are its own."""
    bundle = ModelBundle.load(path)
    protocol = own_protocol(bundle.labels)
    faces = tests["PrivateTest", protocol]
    sized = all_resized(faces.pixels, bundle.card.input.width, bundle.card.input.height)
    accuracy = evaluate(bundle.read(sized).probabilities, bundle.labels, faces).accuracy
    return Peer(path.stem, fer2013=accuracy) if protocol == "fer2013" else Peer(path.stem, ferplus=accuracy)


def _forms(peer: Peer) -> dict[str, bytes]:
    """Build a peer's network with random weights, in float32 and in int8."""
    if peer.network is None:
        return {}
    network = peer.network()
    shape = network.input_shape[1:]
    noise = np.random.default_rng(1).uniform(-1, 1, (_EXAMPLES, *shape)).astype(np.float32)
    where = Path(peer.name)
    return {
        "float32": to_tflite(where, network, shape, network),
        "int8": to_plain_int8(where, network, shape, network, noise),
    }


def time_in_turn(files: Mapping[Key, bytes], rounds: int) -> dict[Key, float]:
    """Return each network's milliseconds a picture: median of turns, one network after the other in each round."""
    turns = {key: _turn(content) for key, content in files.items()}
    times: dict[Key, list[float]] = {key: [] for key in files}
    for _ in range(rounds):
        for key, turn in turns.items():
            start = time.perf_counter()
            turn()
            times[key].append(1000 * (time.perf_counter() - start) / _FACES)
    return {key: median(taken) for key, taken in times.items()}


def _turn(content: bytes) -> Callable[[], None]:
    """Load a network of any input, and return what runs it over one turn's pictures."""
    with native_stderr_hidden():  # it reports its XNNPACK delegate
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    (into,) = interpreter.get_input_details()
    picture = np.random.default_rng(1).integers(0, 127, into["shape"]).astype(into["dtype"])

    def turn() -> None:
        for _ in range(_FACES):
            interpreter.set_tensor(into["index"], picture)
            interpreter.invoke()

    turn()
    return turn


def as_table(measured: Sequence[PeerFigures]) -> Table:
    """Lay the figures out, a row for each model."""
    name, remark = (Column(head, min_width=15) for head in ("model", "remark"))
    figures = [Column(head, no_wrap=True) for head in ("FER+", "FER2013", "M MACs", "int8", "float32")]
    table = Table(name, *figures, remark, box=SIMPLE_HEAD, pad_edge=False)
    for one in measured:
        accuracies = ("" if a is None else f"{a:.1%}" for a in (one.model.ferplus, one.model.fer2013))
        times = ("" if ms is None else f"{ms:.3f}" for ms in (one.int8_ms, one.float32_ms))
        published = "published" if one.model.published else ""
        notes = ", ".join(filter(None, (published, one.model.remark)))
        macs = f"{one.million_macs:.1f}" if one.million_macs else ""
        table.add_row(one.model.name, *accuracies, macs, *times, notes)
    return table
