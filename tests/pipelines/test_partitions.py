"""Partitions are the calendar's sessions."""

from datetime import date, datetime

import dagster as dg
import pytest

from agents.data.calendar import NseCalendar
from agents.domain.values import IST
from pipelines.partitions import FIRST_PARTITION, SESSIONS, session_partitions


def test_partitions_are_the_sessions_of_the_calendar() -> None:
    now = datetime(2026, 2, 2, 12, tzinfo=IST)
    with dg.partition_loading_context(effective_dt=now):
        keys = session_partitions("live").get_partition_keys()
    assert keys == [on.isoformat() for on in NseCalendar().days(FIRST_PARTITION, date(2026, 2, 2))]


def test_a_simulated_market_may_run_years_ahead_of_the_calendar() -> None:
    now = datetime(2026, 2, 2, 12, tzinfo=IST)
    with dg.partition_loading_context(effective_dt=now):
        keys = session_partitions("paper").get_partition_keys()
    assert keys == [on.isoformat() for on in NseCalendar().days(FIRST_PARTITION, date.fromisoformat(keys[-1]))]
    assert keys[-1] > "2029-01-01"


@pytest.mark.parametrize("on", ["2024-01-20", "2024-03-02", "2025-02-01", "2026-02-01"])
def test_a_weekend_session_is_a_partition(on: str) -> None:
    assert SESSIONS.has_partition_key(on)


@pytest.mark.parametrize("on", ["2024-06-08", "2024-08-15", "2022-11-08"])
def test_a_closed_day_is_none(on: str) -> None:
    assert not SESSIONS.has_partition_key(on)
