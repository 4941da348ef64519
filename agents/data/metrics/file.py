"""The file of measurements: recent events one by one, and what each series has come to since the beginning."""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

SCHEMA = """
    create table if not exists metric_event (
        id integer primary key, ts real not null, name text not null, labels text not null, value real not null);
    create index if not exists metric_event_by_name on metric_event (name, ts);
    create table if not exists metric_series (
        name text not null, labels text not null, count integer not null, total real not null, last real not null,
        last_ts real not null, buckets text not null, primary key (name, labels)) without rowid;
"""


def open_for_writing(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Return a connection to the file, made where there is none. Raises `sqlite3.Error` or `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("pragma journal_mode = wal")
        # A power cut may cost the last second of measurements, never the file.
        connection.execute("pragma synchronous = normal")
        connection.executescript(SCHEMA)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Return a connection that cannot write. Raises `sqlite3.Error` where there is no such file."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=busy_seconds, isolation_level=None)


def labels_text(labels: Mapping[str, str]) -> str:
    """Return labels as they are kept: JSON, sorted by name."""
    return json.dumps(dict(sorted(labels.items())), ensure_ascii=False, separators=(",", ":"))
