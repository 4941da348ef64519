from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agents.data.iv_history import IvHistory
from agents.data.store import Store
from agents.domain.chain import DailyIv
from agents.domain.values import IST

FIRST = datetime(2024, 6, 3, 15, 20, tzinfo=IST)


@pytest.fixture
def history(tmp_path: Path) -> IvHistory:
    return IvHistory(Store(tmp_path / "market.duckdb", "replay", now=lambda: datetime(2030, 1, 1, tzinfo=UTC)))


def day(number: int, iv: float = 0.12) -> DailyIv:
    at = FIRST + timedelta(days=number)
    return DailyIv(
        underlying="NIFTY",
        session=at.date(),
        measured_at=at,
        maturity_days=7,
        iv=iv,
        near_expiry_on=date(2024, 6, 6),
        far_expiry_on=date(2024, 6, 13),
    )


def test_days_come_back_oldest_first_and_never_the_session_itself(history: IvHistory) -> None:
    for number in (2, 0, 1):
        assert history.keep(day(number), source="dhan")
    assert history.days("NIFTY", day(2).session) == (day(0), day(1))
    assert history.days("BANKNIFTY", day(2).session) == ()
    assert history.days("NIFTY", day(9).session, most=1) == (day(2),)


def test_the_first_value_of_a_session_is_kept(history: IvHistory) -> None:
    assert history.keep(day(0), source="dhan")
    assert not history.keep(day(0, iv=0.3), source="dhan")
    assert [each.iv for each in history.days("NIFTY", day(1).session)] == [0.12]
