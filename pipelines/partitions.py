"""One partition is one session date, with every instrument inside. Closed days are no partitions at all.

The simulated market of a paper desk may run ahead of the calendar, so there the coming sessions are partitions too.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import dagster as dg

from agents.data.calendar import NseCalendar
from agents.domain.values import IST
from agents.settings import Mode, settings

# Each closed day is carried by every run that Dagster keeps, so the partitions begin where there is data to speak of.
FIRST_PARTITION = date(2021, 1, 1)
AHEAD = 800  # sessions; at five times the clock's pace a desk that never stops gets there in six weeks


def closed_days(calendar: NseCalendar, first: date, last: date) -> Iterator[datetime]:
    """Yield the days without a session, as Dagster spells exclusions: naive midnights of the partition's zone."""
    trading = set(calendar.days(first, last))
    for step in range((last - first).days + 1):
        on = first + timedelta(days=step)
        if on not in trading:
            yield datetime(on.year, on.month, on.day)  # noqa: DTZ001  (Dagster compares exclusions without a zone)


def session_partitions(mode: Mode) -> dg.TimeWindowPartitionsDefinition:
    """Return the partitions of a mode: up to today, and in paper mode some years more."""
    calendar = NseCalendar()
    ahead = AHEAD if mode == "paper" else 1
    last = date(calendar.known_until.year + 1 + ahead // 200, 12, 31)
    return dg.TimeWindowPartitionsDefinition(
        start=datetime.combine(FIRST_PARTITION, datetime.min.time(), tzinfo=IST),
        fmt="%Y-%m-%d",
        cron_schedule="0 0 * * *",
        timezone=IST.key,
        # The session of today must be there while it runs. On a closed day this shows the next session's date as well,
        # so schedule and assets look at the calendar and never at the last key.
        end_offset=ahead,
        exclusions=list(closed_days(calendar, FIRST_PARTITION, last)),
    )


SESSIONS = session_partitions(settings().mode)
