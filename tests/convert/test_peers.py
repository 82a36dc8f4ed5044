from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import keras
import pytest
from rich.console import Console

from convert import plots
from convert.__main__ import main
from convert.peers import measure
from convert.peers.known import PEERS, Peer
from convert.peers.measure import PeerFigures
from edge.inference.bundle import SHIPPED, ModelBundle
from tests.train.synthetic import call
from train.evaluate.protocols import load_tests

if TYPE_CHECKING:
    from pathlib import Path

    from tests.train import synthetic


def small_network() -> keras.Model:
    """Return a network of 48 x 48 gray levels that takes 3,312 multiply-accumulates."""
    pixels = keras.Input((48, 48, 1))
    small = keras.layers.Conv2D(1, 4, strides=4)(pixels)
    return keras.Model(pixels, keras.layers.Dense(7)(keras.layers.Flatten()(small)))


def test_ours_and_others_are_judged_counted_and_timed(trained: synthetic.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    peer, paper = Peer("small", small_network, 0.669), Peer("paper", macs=540, published=True)
    monkeypatch.setattr(measure, "PEERS", (peer, paper))
    ours = [SHIPPED, SHIPPED.with_name("emotion-fer2013.tflite")]
    one, two, votes, labels = measure.measure(ours, load_tests(trained.fer2013, trained.ferplus), rounds=1)
    assert (one.model, one.ours, one.macs) == (peer, False, 3_312)
    assert min(one.int8_ms or 0, one.float32_ms or 0) > 0
    assert (two.macs, two.int8_ms, two.float32_ms) == (540, None, None)
    assert (votes.model.name, votes.ours, votes.float32_ms) == ("emotion", True, None)
    assert (votes.int8_ms or 0) > 0
    assert [known is None for known in (votes.model.ferplus, votes.model.fer2013)] == [False, True]
    assert [known is None for known in (labels.model.ferplus, labels.model.fer2013)] == [True, False]


def test_a_bundle_is_judged_by_the_protocol_that_its_labels_are_for(
    trained: synthetic.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "PEERS", ())
    seven = SHIPPED.with_name("emotion-fer2013.tflite")
    path = tmp_path / "seven.tflite"
    path.write_bytes(seven.read_bytes())
    card = json.loads(seven.with_suffix(".json").read_text("utf-8"))
    card["labels"] = ["contempt" if label == "disgust" else label for label in card["labels"]]
    path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    (votes,) = measure.measure([path], load_tests(trained.fer2013, trained.ferplus), rounds=1)
    assert [known is None for known in (votes.model.ferplus, votes.model.fer2013)] == [False, True]


def test_turns_alternate_and_the_median_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    clock = iter([0.0, 0.02, 0.0, 0.04, 0.0, 0.06, 0.0, 0.4, 0.0, 0.1, 0.0, 0.08])
    monkeypatch.setattr(measure, "_turn", lambda content: lambda: order.append(content.decode()))
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    assert measure.time_in_turn({"a": b"A", "b": b"B"}, rounds=3) == pytest.approx({"a": 3.0, "b": 4.0})
    assert order == ["A", "B"] * 3


@pytest.mark.parametrize(
    ("int8", "float32", "fastest"), [(2.0, 1.0, 1.0), (1.0, 2.0, 1.0), (1.0, None, 1.0), (None, None, None)]
)
def test_the_faster_form_counts(int8: float | None, float32: float | None, fastest: float | None) -> None:
    assert PeerFigures(Peer("a"), ours=False, macs=None, int8_ms=int8, float32_ms=float32).fastest_ms == fastest


def test_what_costs_nothing_known_is_drawn_too() -> None:
    unknown = PeerFigures(Peer("a", ferplus=0.7), ours=False, macs=None, int8_ms=None, float32_ms=None)
    known = PeerFigures(Peer("b", ferplus=0.8), ours=True, macs=10, int8_ms=0.1, float32_ms=None)
    assert len({plots.frontier(models) for models in ([known], [known, unknown], [known, unknown, known])}) == 3


def test_the_command_shows_and_draws(
    trained: synthetic.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "PEERS", [Peer("small", small_network, 0.669), *(p for p in PEERS if not p.network)])
    plot = tmp_path / "frontier.png"
    assert call(main, ["frontier", str(SHIPPED), "--rounds", "1", "--plot", str(plot), *trained.data]) == 0
    said = capsys.readouterr().out
    assert all(peer.name.split()[0] in said for peer in PEERS if not peer.network)
    assert f"{ModelBundle.load().card.macs / 1e6:.1f}" in said
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_what_is_no_bundle_is_said_at_once(trained: synthetic.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(main, ["frontier", str(trained.model), *trained.data]) == 2
    assert "not a model card" in capsys.readouterr().err


def test_no_word_of_the_table_is_cut_in_80_columns() -> None:
    ours = PeerFigures(
        Peer("emotion-fer2013", fer2013=0.689), ours=True, macs=56_064_768, int8_ms=0.264, float32_ms=None
    )
    others = [PeerFigures(peer, ours=False, macs=peer.macs, int8_ms=16.659, float32_ms=3.217) for peer in PEERS]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(measure.as_table([ours, *others]))
    shown = console.export_text()
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert {word for peer in PEERS for word in peer.remark.split()} <= set(shown.split())
