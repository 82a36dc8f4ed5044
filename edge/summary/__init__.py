"""Hours and days in numbers: minutes of each emotion, visits, the longest stay; no identity."""

from edge.summary.store import NullSummaryStore, SummaryFiles, SummaryStore
from edge.summary.summary import QUIET_EVERY_S, SUMMARY_EVERY_S, Summary

__all__ = ["QUIET_EVERY_S", "SUMMARY_EVERY_S", "NullSummaryStore", "Summary", "SummaryFiles", "SummaryStore"]
