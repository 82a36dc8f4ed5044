from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from edge.bench import markdown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.bench import BenchReport
    from tests.conftest import Outcome

    Run = Callable[..., Outcome]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_two_runs_are_two_rows(emotion_edge: Run, tmp_path: Path, video: Path, bench_report: BenchReport) -> None:
    (tmp_path / "card.json").write_text(bench_report.model_dump_json())
    assert emotion_edge("bench", "--camera", video, "--seconds", "0.5", "--json", tmp_path / "clip.json").code == 0
    outcome = emotion_edge("bench", "merge", tmp_path / "card.json", tmp_path / "clip.json")
    assert outcome.code == 0
    header, rule, card, clip, *_ = outcome.out.splitlines()
    assert len({line.count(" | ") for line in (header, rule, card, clip)}) == 1
    row = dict(zip(cells(header), cells(card), strict=True))
    assert bench_report.compare
    assert row["CPU ours/naive"] == f"{bench_report.compare.ratios['ours/naive'].cpu:.3f}"
    assert row["classify p95"] == f"{bench_report.stages['classify'].p95_ms:.2f}"
    assert (row["camera"], row["OS"]) == ("testcard", bench_report.device.os)
    row = dict(zip(cells(header), cells(clip), strict=True))
    assert (row["camera"], row["classify p50"], row["CPU ours/naive"]) == ("nobody.avi", "", "")


def test_options_of_bench_are_refused_with_merge(emotion_edge: Run, tmp_path: Path) -> None:
    outcome = emotion_edge("bench", "--seconds", "1", "--report", tmp_path / "x.html", "merge", tmp_path / "card.json")
    assert (outcome.code, outcome.out) == (2, "")
    assert "bench merge takes no options of bench: leave --seconds, --report out" in outcome.err
    assert not (tmp_path / "x.html").exists()


def test_there_are_no_columns_of_ratios_that_no_run_has(bench_report: BenchReport) -> None:
    assert "ours/" not in markdown([bench_report.model_copy(update={"compare": None})])


def test_each_method_that_was_compared_is_a_row_below(bench_report: BenchReport) -> None:
    clip = bench_report.model_copy(update={"camera": "clip.mkv"})
    header, _, *rows = markdown([bench_report, clip]).split("\n\n")[1].splitlines()
    found = [dict(zip(cells(header), cells(row), strict=True)) for row in rows]
    assert [(row["camera"], row["method"]) for row in found] == [
        (camera, method) for camera in ("testcard", "clip.mkv") for method in ("ours", "naive", "tuned")
    ]
    assert bench_report.compare
    assert found[1]["ours / it"] == f"{bench_report.compare.ratios['ours/naive'].detection_cpu:.3f}"
    assert found[0]["ours / it"] == ""
    assert len(markdown([clip.model_copy(update={"compare": None})]).split("\n\n")) == 1


def test_a_name_stays_in_its_cell(bench_report: BenchReport) -> None:
    _, _, row, *_ = markdown([bench_report.model_copy(update={"camera": "a|b\nc.mkv"})]).splitlines()
    assert r" | a\|b c.mkv | " in row


def test_what_a_report_holds_does_nothing_to_the_terminal(
    emotion_edge: Run, tmp_path: Path, bench_report: BenchReport
) -> None:
    hostile, damaged = tmp_path / "hostile.json", tmp_path / "damaged.json"
    hostile.write_text(bench_report.model_copy(update={"camera": "\x1b]0;mine\a\x1b[31m"}).model_dump_json())
    damaged.write_text(json.dumps(json.loads(hostile.read_text()) | {"stages": {"\x1b[31m": {}}}))
    merged, refused = emotion_edge("bench", "merge", hostile), emotion_edge("bench", "merge", damaged)
    assert (merged.code, refused.code) == (0, 2)
    assert "?]0;mine??[31m" in merged.out
    assert "stages.?[31m." in refused.err
    assert "\x1b" not in merged.out + refused.err


@pytest.mark.parametrize(
    "damage", ["missing", "folder", "fifo", "endless", "empty", "cut", "foreign", "stages", "bytes"]
)
def test_what_is_no_report_ends_with_2(
    emotion_edge: Run, tmp_path: Path, bench_report: BenchReport, damage: str
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(bench_report.model_dump_json())
    whole = good.read_text()
    content = {
        "empty": "",
        "cut": whole[: len(whole) // 2],
        "foreign": '{"happy": 0.9}',
        "stages": json.dumps(json.loads(whole) | {"stages": {"detect": {"count": "many"}}}),
    }
    if damage == "folder":
        bad.mkdir()
    elif damage == "fifo":
        os.mkfifo(bad)
    elif damage == "endless":
        bad.symlink_to("/dev/zero")
    elif damage == "bytes":
        bad.write_bytes(b"\xff\x00\xfe")
    elif damage != "missing":
        bad.write_text(content[damage])
    outcome = emotion_edge("bench", "merge", good, bad)
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) == 1
    assert str(bad) in outcome.err


def test_nothing_to_merge_ends_with_2(emotion_edge: Run) -> None:
    assert emotion_edge("bench", "merge").code == 2
