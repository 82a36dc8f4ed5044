"""Latency per stage, on this device; beside the usual ways, and as the number of people grows."""

from edge.bench.growth import people
from edge.bench.measure import measure
from edge.bench.merge import markdown, read
from edge.bench.page import page
from edge.bench.report import BenchReport
from edge.bench.sheets import sheets
from edge.bench.terminal import table

__all__ = ["BenchReport", "markdown", "measure", "page", "people", "read", "sheets", "table"]
