from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.costs import CHARGES, charges_on, round_trip
from agents.domain.errors import ConfigError

PREMIUMS = st.decimals(min_value=Decimal("0.05"), max_value=Decimal(500), places=2)


def total(bought: int, sold: int, lots: int, *, on: date = date(2026, 11, 2)) -> Decimal:
    return round_trip(
        bought=Decimal(bought), sold=Decimal(sold), quantity=lots * 65, on=on, brokerage=Decimal(20)
    ).total


@pytest.mark.parametrize(
    ("lots", "bought", "sold", "rupees"),
    [(1, 100, 115, "64.08"), (1, 20, 26, "51.46"), (3, 150, 165, "122.03"), (10, 150, 165, "297.28")],
)
def test_the_worked_table_of_2026(lots: int, bought: int, sold: int, rupees: str) -> None:
    assert total(bought, sold, lots) == Decimal(rupees)


@pytest.mark.parametrize(
    ("on", "stt"),
    [
        (date(2022, 11, 10), "0.0005"),
        (date(2023, 3, 31), "0.0005"),
        (date(2023, 4, 1), "0.000625"),
        (date(2024, 9, 30), "0.000625"),
        (date(2024, 10, 1), "0.001"),
        (date(2026, 3, 31), "0.001"),
        (date(2026, 4, 1), "0.0015"),
    ],
)
def test_transaction_tax_changes_on_its_dates(on: date, stt: str) -> None:
    assert charges_on(on).stt_on_sale == Decimal(stt)


def test_the_table_is_in_order_of_date() -> None:
    assert [row.since for row in CHARGES] == sorted(row.since for row in CHARGES)


def test_a_date_before_the_table_names_the_cure() -> None:
    with pytest.raises(ConfigError, match="add a row to CHARGES"):
        charges_on(date(2016, 8, 16))


def test_tax_and_stamp_are_whole_rupees() -> None:
    costs = round_trip(
        bought=Decimal(150), sold=Decimal(165), quantity=195, on=date(2026, 11, 2), brokerage=Decimal(20)
    )
    assert (costs.stt, costs.stamp) == (Decimal(48), Decimal(1))


@given(bought=PREMIUMS, sold=PREMIUMS, lots=st.integers(1, 27))
def test_costs_are_at_least_two_brokerages_with_tax_and_grow_with_size(
    bought: Decimal, sold: Decimal, lots: int
) -> None:
    on, fee = date(2026, 11, 2), Decimal(20)
    one = round_trip(bought=bought, sold=sold, quantity=65 * lots, on=on, brokerage=fee).total
    two = round_trip(bought=bought, sold=sold, quantity=65 * (lots + 1), on=on, brokerage=fee).total
    assert Decimal("47.20") <= one <= two
