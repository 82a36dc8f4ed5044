from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from edge.bench import BenchReport, page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Outcome

    Run = Callable[..., Outcome]

EMPTY = {"meta", "br"}


class Reader(HTMLParser):
    """Reads a page as a browser does; wants every element to be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.script = ""
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.script += data
        else:
            self.text += data


def test_the_page_holds_the_report_and_a_plot_of_each_part(bench_report: BenchReport) -> None:
    read = Reader(page(bench_report))
    assert BenchReport.model_validate_json(read.script) == bench_report
    assert read.tags.count("svg") == 4
    for said in (bench_report.device.model, bench_report.model, "naive", "K times one", "classify", "Recall by CPU ms"):
        assert said in read.text


def test_the_page_loads_nothing(bench_report: BenchReport) -> None:
    text = page(bench_report)
    assert not {"src", "href", "srcset", "data", "action"} & {name for name, _ in Reader(text).attributes}
    assert re.search(r"//|url\(|@import", text) is None


def test_the_page_can_be_read_on_a_phone(bench_report: BenchReport) -> None:
    """At 390 pixels, of which 358 are between the margins, no table pushes the page wider and no text is tiny."""
    text = page(bench_report)
    assert text.count('<div class="table"><table') == text.count("<table") == 6
    assert ".table { overflow-x: auto; }" in text
    (pixels,) = re.findall(r"text { font: (\d+)px", text)
    for width in re.findall(r'viewBox="0 0 (\d+) ', text):
        assert int(pixels) * 358 / int(width) > 10


def test_a_page_without_more_than_stages_has_no_more(bench_report: BenchReport) -> None:
    read = Reader(page(bench_report.model_copy(update={"compare": None, "growth": ()})))
    assert read.tags.count("svg") == 1
    assert "naive" not in read.text


def test_a_name_is_no_markup(bench_report: BenchReport) -> None:
    hostile = bench_report.model_copy(update={"camera": "</script><img src=x>&.mkv", "throttled": True})
    read = Reader(page(hostile))
    assert "img" not in read.tags
    assert BenchReport.model_validate_json(read.script) == hostile
    assert "Not comparable: the processor was throttled" in read.text


def test_stages_that_never_ran_have_no_box(emotion_edge: Run, tmp_path: Path, video: Path) -> None:
    file = tmp_path / "bench.html"
    assert emotion_edge("bench", "--camera", video, "--seconds", "0.5", "--report", file).code == 0
    text = file.read_text()
    assert str(tmp_path) not in text
    assert not re.search(r"<text[^>]*>classify<", text)
    assert re.search(r"<text[^>]*>detect<", text)


def test_a_page_that_cannot_be_written_is_told(emotion_edge: Run, tmp_path: Path, video: Path) -> None:
    outcome = emotion_edge("bench", "--camera", video, "--seconds", "0.5", "--report", tmp_path / "absent" / "x.html")
    assert (outcome.code, "x.html: cannot be written" in outcome.err) == (2, True)


def test_a_page_does_not_go_to_standard_output(emotion_edge: Run, video: Path) -> None:
    outcome = emotion_edge("bench", "--camera", video, "--seconds", "0.5", "--report", "-")
    assert (outcome.code, outcome.err) == (
        2,
        "emotion-edge: -: this option does not write to standard output; name a file\n",
    )
