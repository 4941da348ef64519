from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ui.format import age, change, clock_time, inr, lakh, rupees, short_time


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


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (950, "950"),
        (12_500, "12.5 K"),
        (99_960, "1.00 L"),
        (420_000, "4.20 L"),
        (9_999_999, "1.00 Cr"),
        (-13_500_000, "\u22121.35 Cr"),
        (-0.2, "0"),
    ],
)
def test_a_large_number_is_written_in_the_unit_that_it_rounds_to(number: float, text: str) -> None:
    assert lakh(number) == text


def test_money_has_its_minus_before_the_rupee() -> None:
    assert inr(Decimal("-2431450.5")) == "\u2212\u20b924,31,450.50"


@pytest.mark.parametrize(
    ("amount", "text"),
    [(12.5, "▲ +12.50"), (Decimal("-12.5"), "▼ \u221212.50"), (0, "● 0.00"), (Decimal("-0.004"), "● 0.00")],
)
def test_a_change_can_be_read_without_its_colour(amount: Decimal | float, text: str) -> None:
    assert change(amount) == text


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert (rupees(-0.004), inr(Decimal("-0.001"))) == ("0.00", "₹0.00")
