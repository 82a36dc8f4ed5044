"""``python -m tests.fleet [DEVICES] [SECONDS]``: a fleet and its one broker. Ends with 1 when anything is lost."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path  # noqa: TC003  # typer reads annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.fleet.play import Plan, play

if TYPE_CHECKING:
    from tests.fleet.play import Figures, Times


def main(
    devices: Annotated[int, typer.Argument(min=1)] = 1000,
    seconds: Annotated[float, typer.Argument(min=1, help="How long the fleet rests.")] = 60.0,
    *,
    away: Annotated[float, typer.Option(help="Seconds that the broker is away in each storm.")] = 10.0,
    storms: Annotated[int, typer.Option(min=0)] = 3,
    tempo: Annotated[float, typer.Option(help="How many times faster than the test card.")] = 1.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too.")
    ] = None,
) -> None:
    """Play a fleet with the real client and outbox against one mosquitto: at rest, and while its broker restarts."""
    figures = play(Plan(devices, seconds, away_s=away, storms=storms, tempo=tempo))
    Console().print(table(figures))
    if json_file:
        json_file.write_text(json.dumps(dataclasses.asdict(figures), indent=1) + "\n", encoding="utf-8")
    raise typer.Exit(0 if figures.whole else 1)


def table(figures: Figures) -> Table:
    """Return the figures as a table for a terminal."""
    result = Table(title=f"{figures.devices} devices, one mosquitto", title_justify="left", show_header=False)
    result.add_column()
    result.add_column(justify="right")
    rest = figures.rest
    rows = {
        "events made": f"{figures.events}",
        "lost": f"{figures.lost}",
        "dropped by outboxes": f"{figures.dropped}",
        "duplicated": f"{figures.duplicated}",
        "out of order": f"{figures.disordered}",
        "start: back after p50 / p95 / max s": _times(figures.start),
        **{
            f"storm {number}: away {storm.away_s:g} s, {storm.waited} events waited, back after": _times(storm.back)
            for number, storm in enumerate(figures.storms, 1)
        },
        f"at rest for {rest.seconds:g} s: events per device and hour": f"{rest.events_per_device_hour:.0f}",
        "messages per device and hour": f"{rest.messages_per_device_hour:.0f}",
        "kB per device and hour, to the broker": f"{rest.bytes_per_device_hour / 1000:.0f}",
        **{f"bytes per {name}, topic and payload": f"{size:.0f}" for name, size in figures.bytes_per_message.items()},
        "all clients' CPU at rest, % of a core": f"{rest.client_cpu_percent:.0f}",
        "memory per client, kB": f"{figures.client_kb:.0f}",
        "broker's heap at rest, MB": f"{figures.broker_heap_mb:.2f}",
    }
    for name, value in rows.items():
        result.add_row(name, value)
    return result


def _times(times: Times) -> str:
    return f"{times.p50_s:.1f} / {times.p95_s:.1f} / {times.max_s:.1f}"


if __name__ == "__main__":
    typer.run(main)
