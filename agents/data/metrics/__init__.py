"""Measurements of all processes in one SQLite file, and how they are shown."""

from agents.data.metrics.calls import watch_calls
from agents.data.metrics.exposition import CONTENT_TYPE, exposition
from agents.data.metrics.reader import MetricEvent, MetricReader, Series
from agents.data.metrics.writer import MetricWriter

__all__ = ["CONTENT_TYPE", "MetricEvent", "MetricReader", "MetricWriter", "Series", "exposition", "watch_calls"]
