"""Write the tables of docs/laboratory.md anew from what the rungs measured: ``python -m tests.pi.page``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge.bench.methods import MethodName
from tests.pi.conftest import RESULTS

PAGE = Path(__file__).parents[2] / "docs/laboratory.md"

METHODS = {
    MethodName.OURS: "the pipeline",
    MethodName.NAIVE: "OpenCV's default search of every frame",
    MethodName.TUNED: "the same, set with care",
    MethodName.BLAZEFACE: "BlazeFace on every frame",
}


def cost(figures: list[Any]) -> str:
    """Return the table of instructions a frame."""
    (rows,) = figures
    found = {(row["processor"], row["method"]): row["instructions"] / 1e6 for row in rows}
    processors = list(dict.fromkeys(processor for processor, _ in found))
    head = " | ".join(f"{processor}, millions | of the pipeline's" for processor in processors)
    lines = [f"| | {head} |", "|---|" + "---:|" * (2 * len(processors))]
    for method, name in METHODS.items():
        cells = []
        for processor in processors:
            millions = found[processor, method]
            cells += [f"{millions:.1f}", f"{millions / found[processor, MethodName.OURS]:.1f} times"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def arm64(figures: list[Any]) -> str:
    """Return the table of the bundles on Arm beside x86."""
    lines = [
        "| bundle | Python | runtime | right on Arm | right on x86 | same answer | largest difference |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    for row in sorted(figures, key=lambda row: (row["bundle"], row["python"], row["runtime"])):
        answers = f"{row['top_agrees']} of {row['faces']}"
        lines.append(
            f"| {row['bundle']} | {row['python']} | {row['runtime']} {row['version']} | {row['arm_accuracy']:.1%} "
            f"| {row['x86_accuracy']:.1%} | {answers} | {row['largest_difference']:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    tables = {"cost": cost, "arm64": arm64}
    for name, table in tables.items():
        figures = [json.loads(file.read_text(encoding="utf-8")) for file in RESULTS.glob(f"{name}*.json")]
        if not figures:
            continue  # its rung did not run, so the table stays
        begin, _, rest = text.partition(f"<!-- table {name} -->\n")
        _, _, end = rest.partition("<!-- end -->\n")
        text = f"{begin}<!-- table {name} -->\n{table(figures)}\n<!-- end -->\n{end}"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
