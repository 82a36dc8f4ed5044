"""Latency per stage, on this device."""

from edge.bench.measure import measure
from edge.bench.report import Report, table

__all__ = ["Report", "measure", "table"]
