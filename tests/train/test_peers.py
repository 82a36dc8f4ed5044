from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.model import SHIPPED
from train.__main__ import main
from train.peers import measure, networks
from train.peers.known import PEERS, Peer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import keras

    from tests.train import synthetic


@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        (networks.mini_xception, 58_423),  # as the published weights have
        (networks.big_xception, 208_871),
        (networks.face_expression_net, 323_687),
    ],
)
def test_networks_have_the_parameters_of_the_published_ones(build: Callable[[], keras.Model], parameters: int) -> None:
    assert build().count_params() == parameters


def test_ours_and_others_are_counted_and_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    peer, paper = Peer("mini-Xception", networks.mini_xception, 0.669), Peer("paper", macs=540, published=True)
    monkeypatch.setattr(measure, "PEERS", (peer, paper))
    ours = Peer("ours", ferplus=0.85)
    one, two, three = measure.measure({ours: SHIPPED.read_bytes()}, rounds=1)
    assert (one.model, one.ours, one.macs) == (peer, False, 10_163_392)
    assert min(one.int8_ms or 0, one.float32_ms or 0) > 0
    assert (two.macs, two.int8_ms, two.float32_ms) == (540, None, None)
    assert (three.model, three.ours, three.float32_ms) == (ours, True, None)
    assert (three.int8_ms or 0) > 0


def test_turns_alternate_and_the_median_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    clock = iter([0.0, 0.02, 0.0, 0.04, 0.0, 0.06, 0.0, 0.4, 0.0, 0.1, 0.0, 0.08])
    monkeypatch.setattr(measure, "_turn", lambda content: lambda: order.append(content.decode()))
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    assert measure.time_in_turn({"a": b"A", "b": b"B"}, rounds=3) == pytest.approx({"a": 3.0, "b": 4.0})
    assert order == ["A", "B"] * 3


def test_the_command_draws_the_frontier(
    trained: synthetic.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "PEERS", [p for p in PEERS if p.network in {None, networks.mini_xception}])
    plot = tmp_path / "frontier.png"
    arguments = ["frontier", str(SHIPPED), "--rounds", "1", "--plot", str(plot), *trained.data]
    with pytest.raises(SystemExit, match="0"):
        main(arguments)
    said = capsys.readouterr().out
    assert "10,163,392" in said
    assert "emotion" in said
    assert plot.read_bytes().startswith(b"\x89PNG")
