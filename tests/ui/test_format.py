from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ui.format import age, clock_time, rupees, short_time


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal(0), "0.00"),
        (Decimal("999.5"), "999.50"),
        (1000, "1,000.00"),
        (Decimal("24150.05"), "24,150.05"),
        (2431450.5, "24,31,450.50"),
        (123456789.0, "12,34,56,789.00"),
        (Decimal(-150000), "\u22121,50,000.00"),
    ],
)
def test_rupees_are_grouped_by_lakh_and_crore(amount: Decimal | float, text: str) -> None:
    assert rupees(amount) == text


def test_times_are_indian() -> None:
    moment = datetime(2025, 11, 18, 4, 0, tzinfo=UTC)
    assert clock_time(moment) == "18 Nov 2025 09:30:00 IST"
    assert short_time(moment) == "18 Nov 09:30"


@pytest.mark.parametrize(
    ("passed", "text"),
    [(8, "8 s"), (60, "1 min"), (7_300, "2 h"), (200_000, "2 d"), (-5, "0 s")],
)
def test_an_age_has_one_unit(passed: int, text: str) -> None:
    assert age(timedelta(seconds=passed)) == text
