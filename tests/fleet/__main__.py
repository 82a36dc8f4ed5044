"""``python -m tests.fleet [DEVICES] [SECONDS]``: a fleet and its broker. Ends with 1 when anything is lost."""

from __future__ import annotations

import dataclasses
import json
from enum import Enum
from pathlib import Path  # noqa: TC003  # typer reads annotations
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.fleet.brokers import Lone
from tests.fleet.cluster import Cluster
from tests.fleet.play import Plan, play

if TYPE_CHECKING:
    from tests.fleet.figures import Figures, Storm, Times


class Kind(Enum):
    """What the fleet is played against."""

    MOSQUITTO = "mosquitto"
    CLUSTER = "cluster"


def main(
    devices: Annotated[int, typer.Argument(min=1)] = 1000,
    seconds: Annotated[float, typer.Argument(min=1, help="How long the fleet rests.")] = 60.0,
    *,
    broker: Annotated[Kind, typer.Option(help="One mosquitto, or three RabbitMQ nodes.")] = Kind.MOSQUITTO,
    away: Annotated[float, typer.Option(help="Seconds that the broker or node is away in each storm.")] = 10.0,
    storms: Annotated[int, typer.Option(min=0)] = 3,
    tempo: Annotated[float, typer.Option(help="How many times faster than the test card.")] = 1.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures there too.")
    ] = None,
) -> None:
    """Play a fleet with the real client and outbox: at rest, and while its broker restarts or loses a node."""
    cluster = broker == Kind.CLUSTER
    figures = play(Plan(devices, seconds, cluster=cluster, away_s=away, storms=storms, tempo=tempo))
    Console().print(table(figures))
    if json_file:
        json_file.write_text(json.dumps(dataclasses.asdict(figures), indent=1) + "\n", encoding="utf-8")
    raise typer.Exit(0 if figures.whole else 1)


def table(figures: Figures) -> Table:
    """Return the figures as a table for a terminal."""
    where = Cluster.title if figures.nodes else Lone.title
    result = Table(title=f"{figures.devices} devices, {where}", title_justify="left", show_header=False)
    result.add_column()
    result.add_column(justify="right")
    rest = figures.rest
    rows = {
        "events made": f"{figures.events}",
        "lost": f"{figures.lost}",
        "dropped by outboxes": f"{figures.dropped}",
        "duplicated": f"{figures.duplicated}",
        "out of order": f"{figures.disordered}",
        "other daemons seen, which were none": f"{figures.conflicts}",
        **_shared(figures),
        "start: back after p50 / p95 / max s": _times(figures.start),
    }
    for number, storm in enumerate(figures.storms, 1):
        rows |= _node(number, storm) if figures.nodes else _whole(number, storm)
    rows |= {
        f"at rest for {rest.seconds:g} s: events per device and hour": f"{rest.events_per_device_hour:.0f}",
        "messages per device and hour": f"{rest.messages_per_device_hour:.0f}",
    }
    if rest.bytes_per_device_hour is not None:
        rows["kB per device and hour, to the broker"] = f"{rest.bytes_per_device_hour / 1000:.0f}"
    rows |= {
        **{f"bytes per {name}, topic and payload": f"{size:.0f}" for name, size in figures.bytes_per_message.items()},
        "all clients' CPU at rest, % of a core": f"{rest.client_cpu_percent:.0f}",
        "memory per client, kB": f"{figures.client_kb:.0f}",
    }
    if figures.broker_heap_mb is not None:
        rows["broker's heap at rest, MB"] = f"{figures.broker_heap_mb:.2f}"
    if nodes := figures.nodes:
        rows["nodes' CPU at rest, % of a core, all three"] = f"{nodes.cpu_percent:.0f}"
        rows["nodes' memory at rest, MB"] = " / ".join(f"{size:.0f}" for size in nodes.rss_mb)
        rows["nodes that keep a device's info: by its topic"] = f"{nodes.retained} of {len(nodes.rss_mb)}"
        rows["nodes that keep a device's info: by a wildcard"] = f"{nodes.retained_by_wildcard} of {len(nodes.rss_mb)}"
    for name, value in rows.items():
        result.add_row(name, value)
    return result


def _shared(figures: Figures) -> dict[str, str]:
    if not (writers := figures.writers):
        return {}
    return {
        "two writers share a queue: events of each": " / ".join(str(share) for share in writers.shares),
        "lost / duplicated / out of order between them": f"{writers.lost} / {writers.duplicated} / "
        f"{writers.disordered}",
    }


def _whole(number: int, storm: Storm) -> dict[str, str]:
    return {f"storm {number}: away {storm.away_s:g} s, {storm.waited} events waited, back after": _times(storm.back)}


def _node(number: int, storm: Storm) -> dict[str, str]:
    return {
        f"node {number} killed, {storm.fell} devices fell: back p50 / p95 / max s": _times(storm.back),
        f"  node {number}: most events that waited": f"{storm.waited}",
        f"  node {number}: the consumer's longest silence, s": f"{storm.silence_s:.1f}",
        f"  node {number}: up again once started, s": f"{storm.returned_s:.1f}",
    }


def _times(times: Times) -> str:
    return f"{times.p50_s:.1f} / {times.p95_s:.1f} / {times.max_s:.1f}"


if __name__ == "__main__":
    typer.run(main)
