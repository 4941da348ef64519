"""Reads measurements: what each series has come to, and the recent values one by one."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agents.data.metrics.file import open_for_reading
from agents.domain.errors import ConfigError
from agents.domain.metrics import METRICS

_BUSY_SECONDS = 5.0


@dataclass(frozen=True)
class Series:
    """One metric with one set of labels: how many values came, their sum, the newest, and counts by bucket."""

    name: str
    labels: tuple[tuple[str, str], ...]
    count: int
    total: float
    last: float
    last_at: datetime
    buckets: tuple[int, ...] = ()


@dataclass(frozen=True)
class MetricEvent:
    """One value as it was measured."""

    at: datetime
    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


class MetricReader:
    """What is in the file of measurements; a file that is not there yet holds none.

    Parameters
    ----------
    path : Path
        The file that `MetricWriter` writes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def series(self) -> Sequence[Series]:
        """Return every series, by name and labels.

        Raises
        ------
        ConfigError
            If the file cannot be read.
        """
        sql = "select name, labels, count, total, last, last_ts, buckets from metric_series order by name, labels"
        return [
            Series(name, _labels(labels), count, total, last, _moment(at), tuple(json.loads(buckets)))
            for name, labels, count, total, last, at, buckets in self._rows(sql, ())
            if name in METRICS
        ]

    def events(self, name: str, since: datetime, limit: int = 10_000) -> Sequence[MetricEvent]:
        """Return the last `limit` values of a metric since a moment, oldest first. Raises as `series`."""
        sql = "select ts, name, labels, value from metric_event where name = ? and ts >= ? order by ts desc limit ?"
        found = self._rows(sql, (name, since.timestamp(), limit))
        return [MetricEvent(_moment(ts), about, _labels(labels), value) for ts, about, labels, value in reversed(found)]

    def _rows(self, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:  # Any: SQLite's
        if not self.path.exists():
            return []
        return self._read(lambda connection: connection.execute(sql, values).fetchall())

    def _read(
        self, ask: Callable[[sqlite3.Connection], list[tuple[Any, ...]]]
    ) -> list[tuple[Any, ...]]:  # Any: as above
        try:
            connection = open_for_reading(self.path, _BUSY_SECONDS)
            try:
                return ask(connection)
            finally:
                connection.close()
        except sqlite3.Error as error:
            if "no such table" in str(error):  # another process is making the file just now
                return []
            raise ConfigError(
                f"the measurements in {self.path} cannot be read: {error}; delete the file, a new one will be made"
            ) from error


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(json.loads(text).items())


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
