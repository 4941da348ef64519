"""The account's statement: balances at the ends of a range, and each session's bill between them."""

import json
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from exchange import statements
from exchange.app import create_app
from tests.exchange.shelves import Desk

FIELDS = [
    *("dhanClientId", "narration", "voucherdate", "exchange", "voucherdesc", "vouchernumber"),
    *("debit", "credit", "runbal"),
]


class Counter:
    """A client who reads statements."""

    def __init__(self) -> None:
        self.desk = Desk()
        self._http = TestClient(create_app(self.desk.core, statements.routes(self.desk.core)))

    def ask(self, first: str, last: str) -> tuple[int, Any]:  # Any: JSON
        path = f"/v2/ledger?from-date={first}&to-date={last}"
        reply = self._http.get(path, headers={"access-token": self.desk.token})
        return reply.status_code, json.loads(reply.content)

    def rows(self, first: str, last: str) -> list[dict[str, str]]:
        status, rows = self.ask(first, last)
        assert status == 200, rows
        return list(rows)


def test_a_quiet_account_has_its_balance_twice_in_the_recorded_shape() -> None:
    rows = Counter().rows("2026-11-01", "2026-11-30")
    assert [row["narration"] for row in rows] == ["CLOSING BALANCE", "OPENING BALANCE"]
    assert {row["runbal"] for row in rows} == {"1000000.00"}
    assert all(list(row) == FIELDS and all(isinstance(value, str) for value in row.values()) for row in rows)


def test_opening_balance_and_bills_add_up_to_the_closing_balance() -> None:
    counter = Counter()
    for trades in (True, False, False, True):  # Friday to Monday
        if trades:
            counter.desk.place(price=134.0)
        counter.desk.wait()
        counter.desk.until(15, 45)
        counter.desk.next_day()
    rows = counter.rows("2026-11-20", "2026-12-31")
    closing, *bills, opening = rows
    assert [row["voucherdate"] for row in bills] == ["Nov 23, 2026", "Nov 20, 2026"]
    moved = sum(Decimal(row["credit"]) - Decimal(row["debit"]) for row in bills)
    assert Decimal(opening["runbal"]) + moved == Decimal(closing["runbal"])
    assert Decimal(closing["runbal"]) == Decimal(counter.desk.ledger.cash) / 100


def test_a_range_before_or_after_all_sessions_has_no_bills() -> None:
    counter = Counter()
    counter.desk.place(price=134.0)
    counter.desk.wait()
    assert {row["runbal"] for row in counter.rows("2026-10-01", "2026-10-31")} == {"1000000.00"}
    (closing, opening) = counter.rows("2026-12-01", "2026-12-31")
    assert closing["runbal"] == opening["runbal"]


@pytest.mark.parametrize("dates", [("", "2026-11-20"), ("20-11-2026", "2026-11-20"), ("2026-11-20", "today")])
def test_dates_that_are_none_are_refused(dates: tuple[str, str]) -> None:
    status, reply = Counter().ask(*dates)
    assert (status, reply["errorCode"]) == (400, "DH-905")
