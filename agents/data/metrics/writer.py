"""Measurements of one process, written together once a second by a thread, so that measuring costs microseconds."""

import json
import logging
import math
import sqlite3
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from agents.data.metrics.file import labels_text, open_for_writing
from agents.domain.metrics import METRICS, Metric, MetricKind, declared

EVENTS_KEPT = 200_000
SERIES_KEPT = 2_000
BUFFERED = 10_000
FLUSH_SECONDS = 1.0
_DROPPED = "metrics_dropped_total"
_LONGEST_LABEL = 80
_BUSY_SECONDS = 5.0
_log = logging.getLogger(__name__)


class _Event(NamedTuple):
    ts: float
    name: str
    labels: str
    value: float


class MetricWriter:
    """Keeps measurements in a SQLite file that any number of processes share; implements `agents.ports.Metrics`.

    A thread writes what has gathered once a second; a process that is killed loses no more than that. The file keeps
    the last `events_kept` values one by one, and a sum for each of at most `series_kept` series for ever. When the
    file cannot be written, values are kept in memory up to a bound, then the oldest are dropped and counted.

    Parameters
    ----------
    path : Path
        The file; made with the first measurement.
    now : callable
        Returns the machine's present, aware.
    events_kept, series_kept : int
        Bounds of the file.
    flush_seconds : float
        How long a value waits in memory at most.
    """

    def __init__(
        self,
        path: Path,
        now: Callable[[], datetime],
        *,
        events_kept: int = EVENTS_KEPT,
        series_kept: int = SERIES_KEPT,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        self.path = path
        self._now = now
        self._events_kept = events_kept
        self._series_kept = series_kept
        self._flush_seconds = flush_seconds
        self._waiting: deque[_Event] = deque()
        self._dropped = 0
        self._gathering = threading.Lock()
        self._writing = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._failing = False

    def record(self, name: str, value: float = 1.0, /, **labels: str) -> None:
        """Keep one value; it is in the file within a second. A value that is not finite is only counted as dropped.

        Raises
        ------
        ValueError
            If the metric is not declared, or has other labels.
        """
        declared(name, labels)
        if not math.isfinite(value):
            name, value, labels = _DROPPED, 1.0, {"reason": f"{name} was not finite"}
        kept = labels_text({key: str(text)[:_LONGEST_LABEL] for key, text in labels.items()})
        event = _Event(self._now().timestamp(), name, kept, float(value))
        with self._gathering:
            self._gather(event)
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Write what has gathered. A file that cannot be written is logged once, and the values stay in memory."""
        with self._writing:
            with self._gathering:
                batch, self._waiting = self._waiting, deque()
                dropped, self._dropped = self._dropped, 0
            if dropped:
                lost = labels_text({"reason": "the file could not be written"})
                batch.append(_Event(self._now().timestamp(), _DROPPED, lost, float(dropped)))
            if not batch:
                return
            try:
                self._write(batch)
            except (OSError, sqlite3.Error) as error:
                self._keep(batch, error)
            else:
                self._failing = False

    def close(self) -> None:
        """Write what has gathered and stop."""
        self._stop.set()
        with self._gathering:
            thread = self._thread
        if thread is not None:
            thread.join()
        self.flush()
        with self._writing:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _run(self) -> None:
        while not self._stop.wait(self._flush_seconds):
            self.flush()

    def _gather(self, event: _Event) -> None:
        self._waiting.append(event)
        if len(self._waiting) > BUFFERED:
            self._waiting.popleft()
            self._dropped += 1

    def _keep(self, batch: deque[_Event], error: Exception) -> None:
        """Put values back that could not be written, ahead of those that came meanwhile."""
        if not self._failing:
            _log.warning("measurements wait in memory, because %s cannot be written: %s", self.path, error)
        self._failing = True
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        with self._gathering:
            newer, self._waiting = self._waiting, deque()
            for event in (*batch, *newer):
                self._gather(event)

    def _write(self, batch: Iterable[_Event]) -> None:
        if self._connection is None:
            self._connection = open_for_writing(self.path, _BUSY_SECONDS)
        connection = self._connection
        connection.execute("begin immediate")
        try:
            kept = [event for event in batch if _add_up(connection, event, self._series_kept)]
            connection.executemany("insert into metric_event (ts, name, labels, value) values (?, ?, ?, ?)", kept)
            connection.execute(
                "delete from metric_event where id <= (select max(id) from metric_event) - ?", [self._events_kept]
            )
            connection.execute("commit")
        except sqlite3.Error:
            connection.rollback()
            raise


def _add_up(connection: sqlite3.Connection, event: _Event, series_kept: int) -> bool:
    """Add a value to its series; return whether it was kept: a new series beyond the bound is only counted."""
    metric = METRICS[event.name]
    query = "select count, total, last, last_ts, buckets from metric_series where name = ? and labels = ?"
    row = connection.execute(query, [event.name, event.labels]).fetchone()
    if row is None and event.name != _DROPPED and _series(connection) >= series_kept:
        lost = labels_text({"reason": "too many series"})
        return _add_up(connection, event._replace(name=_DROPPED, labels=lost, value=1.0), series_kept)
    count, total, last, last_ts, buckets = row or (0, 0.0, event.value, event.ts, "[]")
    if event.ts >= last_ts:
        last, last_ts = event.value, event.ts
    facts = (count + 1, total + event.value, last, last_ts, _counted(metric, buckets, event.value))
    connection.execute(
        "insert or replace into metric_series (name, labels, count, total, last, last_ts, buckets) "
        "values (?, ?, ?, ?, ?, ?, ?)",
        [event.name, event.labels, *facts],
    )
    return event.name != _DROPPED


def _series(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("select count(*) from metric_series").fetchone()
    return int(count)


def _counted(metric: Metric, buckets: str, value: float) -> str:
    """Return the counts of a histogram's buckets with one more value; the last bucket is everything above."""
    if metric.kind is not MetricKind.HISTOGRAM:
        return "[]"
    counts = json.loads(buckets)
    if len(counts) != len(metric.buckets) + 1:
        counts = [0] * (len(metric.buckets) + 1)
    counts[bisect_left(metric.buckets, value)] += 1
    return json.dumps(counts, separators=(",", ":"))
