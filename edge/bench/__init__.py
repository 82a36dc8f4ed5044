"""What the pipeline costs on this device: by stage, compared with baselines, and by the number of people."""

from edge.bench.blazeface import BlazeFace
from edge.bench.growth import people
from edge.bench.measure import measure
from edge.bench.merge import markdown, read
from edge.bench.page import page
from edge.bench.report import BenchReport
from edge.bench.sheets import sheets
from edge.bench.terminal import table

__all__ = ["BenchReport", "BlazeFace", "markdown", "measure", "page", "people", "read", "sheets", "table"]
