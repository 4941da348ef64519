"""On which weekdays NSE did not and will not trade, and its sessions at other hours, from 2021 to 2027.

Each row is NSE's list of trading holidays of that year, weekends left out. That of 2027 is not published yet: its row
has the holidays whose date does not hang on the moon, so an exchange in that year trades on some days when NSE will
not.
"""

from collections.abc import Mapping
from datetime import date, time
from types import MappingProxyType

_HOLIDAYS = {
    2021: "01-26 03-11 03-29 04-02 04-14 04-21 05-13 07-21 08-19 09-10 10-15 11-05 11-19",
    2022: "01-26 03-01 03-18 04-14 04-15 05-03 08-09 08-15 08-31 10-05 10-26 11-08",
    2023: "01-26 03-07 03-30 04-04 04-07 04-14 05-01 06-29 08-15 09-19 10-02 10-24 11-14 11-27 12-25",
    2024: "01-22 01-26 03-08 03-25 03-29 04-11 04-17 05-01 05-20 06-17 07-17 08-15 10-02 11-15 11-20 12-25",
    2025: "02-26 03-14 03-31 04-10 04-14 04-18 05-01 08-15 08-27 10-02 10-22 11-05 12-25",
    2026: "01-15 01-26 03-03 03-26 03-31 04-03 04-14 05-01 05-28 06-26 09-14 10-02 10-20 11-10 11-24 12-25",
    2027: "01-26 03-26 04-14",
}

# Muhurat evenings, weekends with a session, and the day of the long halt: first trade and close of derivatives.
SPECIAL: Mapping[date, tuple[time, time]] = MappingProxyType(
    {
        date(2021, 2, 24): (time(9, 15), time(17, 0)),
        date(2021, 11, 4): (time(18, 15), time(19, 15)),
        date(2022, 10, 24): (time(18, 15), time(19, 15)),
        date(2023, 11, 12): (time(18, 15), time(19, 15)),
        date(2024, 1, 20): (time(9, 15), time(15, 30)),
        date(2024, 3, 2): (time(9, 15), time(12, 30)),
        date(2024, 5, 18): (time(9, 15), time(12, 30)),
        date(2024, 11, 1): (time(18, 0), time(19, 0)),
        date(2025, 2, 1): (time(9, 15), time(15, 30)),
        date(2025, 10, 21): (time(13, 45), time(14, 45)),
        date(2026, 2, 1): (time(9, 15), time(15, 30)),
    }
)

HOLIDAYS = frozenset(date.fromisoformat(f"{year}-{day}") for year, days in _HOLIDAYS.items() for day in days.split())
