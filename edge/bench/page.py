"""A report as one page of HTML that loads nothing, to be attached to an issue."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from edge import __version__
from edge.bench import plots
from edge.bench.sheets import sheets

if TYPE_CHECKING:
    from edge.bench.report import BenchReport
    from edge.bench.sheets import Sheet

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2125; --faint: #5d6772; --line: #d9dee3;
  --full: #1f6fb2; --soft: #a9cbe8; --warn: #fff3d6; }
@media (prefers-color-scheme: dark) { :root { --paper: #16191d; --ink: #e4e8ec; --faint: #99a4af; --line: #353c44;
  --full: #6db1ea; --soft: #2c557a; --warn: #463a17; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; max-width: 760px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .4rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .5rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
td { white-space: nowrap; }
table.facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
table.facts td:first-child { color: var(--faint); width: 11rem; }
th, p.note, figcaption { color: var(--faint); font-weight: normal; font-size: .87rem; }
p.note { margin: .3rem 0 0; } figure { margin: 1rem 0; }
svg { display: block; width: 100%; max-width: 30rem; height: auto; }
.warning { background: var(--warn); padding: .5rem .8rem; border-radius: 4px; }
text { font: 11px system-ui, sans-serif; } text.ink { fill: var(--ink); } text.faint { fill: var(--faint); }
.full { fill: var(--full); } .soft { fill: var(--soft); } .grid { stroke: var(--line); }
.whisker { stroke: var(--full); stroke-width: 2; } .curve { fill: none; stroke: var(--full); stroke-width: 2; }
.dashed { fill: none; stroke: var(--faint); stroke-dasharray: 5 5; }
pre { overflow-x: auto; font-size: .8rem; }
@media (max-width: 480px) { body { margin: 1rem auto; }
  th, td { padding: .2rem .2rem; font-size: .8rem; white-space: normal; }
  table.facts td:first-child { width: 6rem; } }
"""


def page(report: BenchReport) -> str:
    """Return the page. Its element ``report`` holds the report as JSON, which `bench merge` reads."""
    device = report.device
    first, *others = sheets(report)
    found = [replace(first, title="Stages"), *others]  # the device is named above
    body = [
        f"<h1>emotion-edge {__version__}: benchmark</h1>",
        *(f'<p class="warning">Not comparable: {escape(warning)}</p>' for warning in report.warnings()),
        _facts(report),
        *(_section(sheet, _figure(sheet, report)) for sheet in found),
        f"<details><summary>JSON</summary><pre>{escape(report.model_dump_json(indent=2), quote=False)}</pre></details>",
    ]
    # Within a script nothing is unescaped, and only "</" could end it.
    data = report.model_dump_json().replace("<", "\\u003c")
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>emotion-edge on {escape(device.model)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            *body,
            f'<script type="application/json" id="report">{data}</script>\n</body>\n</html>\n',
        ]
    )


def _facts(report: BenchReport) -> str:
    device = report.device
    facts = {
        "device": f"{device.model}, {device.cores} cores",
        "system": f"{device.os}, Python {device.python}, OpenCV {device.opencv}",
        "frequency governor": ", ".join(device.governors) or "unknown",
        "model": f"{report.model} on {device.runtime}, {report.threads} thread(s)",
        "camera": report.camera + (", synthetic" if report.synthetic else ""),
        "throttled": {True: "yes", False: "no", None: "unknown"}[report.throttled],
    }
    rows = "\n".join(f"<tr><td>{name}</td><td>{escape(fact)}</td></tr>" for name, fact in facts.items())
    return f'<div class="table"><table class="facts">\n{rows}\n</table></div>'


def _figure(sheet: Sheet, report: BenchReport) -> str:
    """Return the plot that belongs to a sheet, or nothing."""
    if sheet.name == "stages":
        picture, caption = plots.stages(report.stages), "Milliseconds. Box: p50 to p95; line: to p99; dot: the longest."
    elif sheet.name == "compare" and report.compare:
        picture, caption = plots.compare(report.compare), "Milliseconds a frame, the mean."
    elif sheet.name == "accuracy" and report.compare and report.compare.with_truth:
        picture = plots.frontier(report.compare.with_truth)
        caption = "Recall by CPU ms a frame. Dot: detection and tracking alone; line: to the reading of emotions too."
    elif sheet.name == "growth":
        picture, caption = plots.growth(report.growth), "Dashed: the cost if each person cost as much as the first."
    else:
        return ""
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def _section(sheet: Sheet, figure: str) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in sheet.columns)
    rows = "\n".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in sheet.rows)
    notes = "\n".join(f'<p class="note">{escape(note)}</p>' for note in sheet.notes)
    return (
        f'<h2>{escape(sheet.title)}</h2>\n<div class="table"><table>\n<tr>{head}</tr>\n{rows}\n</table></div>\n'
        f"{notes}\n{figure}"
    )
