"""The session calendar against the answer file, its base library, and its own rules."""

import csv
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pandas_market_calendars
import pytest

from agents.data.calendar import NseCalendar
from agents.domain.errors import ConfigError
from agents.domain.values import IST

CALENDAR = NseCalendar()


def at(on: date, hour: int, minute: int) -> datetime:
    return datetime.combine(on, time(hour, minute), tzinfo=IST)


@pytest.mark.data
def test_every_row_of_the_answer_file_agrees_and_every_other_day_is_closed(shared: Path) -> None:
    with (shared / "data" / "nse_sessions_2021_2026.csv").open(encoding="utf-8") as file:
        rows = {date.fromisoformat(row["date"]): row for row in csv.DictReader(file)}
    day, wrong = date(2021, 1, 1), []
    while day <= date(2026, 12, 31):
        session, row = CALENDAR.session(day), rows.get(day)
        if row is None or not row["open"]:
            agrees = session is None
        else:
            told = (row["open"], row["cash_close_nominal"], row["fno_close"])
            ours = session and tuple(
                f"{moment:%H:%M}" for moment in (session.open_at, session.close_at, session.derivatives_close_at)
            )
            agrees = ours == told
        if not agrees:
            wrong.append(day)
        day += timedelta(days=1)
    assert len(rows) == 1487
    assert wrong == []


def test_the_base_agrees_with_pandas_market_calendars_day_by_day() -> None:
    schedule = pandas_market_calendars.get_calendar("NSE").schedule("2015-01-01", "2026-12-31", tz="Asia/Kolkata")
    theirs = {row.Index.date(): (row.market_open, row.market_close) for row in schedule.itertuples()}
    ours = {session.on: session for session in CALENDAR.sessions(date(2015, 1, 1), date(2026, 12, 31))}
    assert set(theirs) <= set(ours)
    assert {on for on in theirs if (ours[on].open_at, ours[on].close_at) != theirs[on]} == set()
    assert {on.weekday() >= 5 for on in set(ours) - set(theirs)} == {True}


def test_a_test_of_the_recovery_site_has_two_segments() -> None:
    session = CALENDAR.session(date(2024, 3, 2))
    assert session is not None
    assert [(f"{s.open_at:%H:%M}", f"{s.close_at:%H:%M}") for s in session.segments] == [
        ("09:15", "10:00"),
        ("11:30", "12:30"),
    ]
    assert not session.is_open(at(session.on, 10, 30))
    assert len(session.closes()) == 7


def test_the_closing_auction_begins_in_august_2026() -> None:
    before, since = CALENDAR.session(date(2026, 7, 31)), CALENDAR.session(date(2026, 8, 3))
    assert before is not None
    assert since is not None
    assert before.index_frozen_from is None
    assert since.index_frozen_from == at(since.on, 15, 15)
    assert since.derivatives_close_at == at(since.on, 15, 40)


def test_a_muhurat_without_hours_is_closed_and_says_why() -> None:
    assert CALENDAR.session(date(2026, 11, 8)) is None
    assert "to be notified" in CALENDAR.note(date(2026, 11, 8))
    assert CALENDAR.note(date(2024, 11, 1)) == "Muhurat"


def test_years_without_a_holiday_list_say_so() -> None:
    session = CALENDAR.session(date(2027, 1, 4))
    assert session is not None
    assert "not in the calendar yet" in session.note
    assert CALENDAR.known_until == date(2026, 12, 31)


def test_days_before_the_calendar_are_refused() -> None:
    with pytest.raises(ConfigError, match="begins on 2015-01-01"):
        CALENDAR.session(date(2014, 12, 31))


def test_previous_and_next_step_over_closed_days() -> None:
    assert CALENDAR.previous(date(2024, 1, 29)).on == date(2024, 1, 25)
    assert CALENDAR.next(date(2024, 1, 25)).on == date(2024, 1, 29)
    with pytest.raises(ConfigError, match="no session before"):
        CALENDAR.previous(date(2015, 1, 1))


def test_the_next_open_may_be_a_second_segment_or_another_day() -> None:
    saturday = date(2024, 3, 2)
    assert CALENDAR.next_open(at(saturday, 9, 15)) == at(saturday, 9, 15)
    assert CALENDAR.next_open(at(saturday, 10, 30)) == at(saturday, 11, 30)
    assert CALENDAR.next_open(at(saturday, 12, 0)) == at(date(2024, 3, 4), 9, 15)


def test_days_are_the_sessions_dates() -> None:
    span = (date(2024, 1, 1), date(2024, 3, 31))
    assert CALENDAR.days(*span) == [session.on for session in CALENDAR.sessions(*span)]


@pytest.mark.process
def test_the_calendar_does_not_import_pandas() -> None:
    code = (
        "import sys; from datetime import date; from agents.data.calendar import NseCalendar; "
        "NseCalendar().days(date(2015, 1, 1), date(2026, 12, 31)); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
