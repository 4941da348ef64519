"""Candles from recorded and made answers."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.data.dhan.charts import Page, Question, RollingOption, fetch_candles, fetch_rolling
from agents.data.dhan.errors import DhanError
from agents.data.dhan.http import Wire
from agents.data.hours import DAILY
from agents.data.reading import RawCandles
from agents.domain.values import IST, OptionType
from tests.agents.data.dhan.readers import NIFTY, reader_on

DAY = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 9, 15, tzinfo=IST)


def chart(*starts: datetime, **columns: list[Any]) -> dict[str, Any]:
    flat = {name: [100.0] * len(starts) for name in ("open", "high", "low", "close", "volume")}
    return {**flat, "timestamp": [start.timestamp() for start in starts], **columns}


def fetched(
    answering: Any, wire: Wire, folder: Path, body: Any, *, minutes: int = 1, at: datetime = OPEN + timedelta(days=1)
) -> RawCandles:
    answering.will((200, body))
    return fetch_candles(reader_on(wire, folder), NIFTY, Question("NIFTY", minutes, Page(DAY, DAY), at))


def test_a_recorded_chart_is_read_to_the_last_digit(shared: Path, answering: Any, wire: Wire, tmp_path: Path) -> None:
    said = json.loads((shared / "data/dhan_api/resources__historical_data_intraday.json").read_text())
    body = said["response"]["body"]
    days = sorted({datetime.fromtimestamp(stamp, IST).date() for stamp in body["timestamp"]})
    answering.will((200, body))
    question = Question("NIFTY", 5, Page(days[0], days[-1]), datetime(2026, 1, 1, tzinfo=IST))
    raw = fetch_candles(reader_on(wire, tmp_path), NIFTY, question)
    assert raw.opened.tolist() == [int(stamp) for stamp in body["timestamp"]]
    for place, name in enumerate(("open", "high", "low", "close")):
        assert raw.prices[:, place].tolist() == body[name]
    assert raw.volume.tolist() == body["volume"]


def test_the_request_is_as_dhan_wants_it(answering: Any, wire: Wire, tmp_path: Path) -> None:
    fetched(answering, wire, tmp_path, chart(OPEN), minutes=5)
    [(method, path, body)] = answering.asked
    assert (method, path) == ("POST", "/v2/charts/intraday")
    said = json.loads(body)
    assert (said["securityId"], said["interval"], said["fromDate"], said["toDate"]) == ("13", 5, str(DAY), str(DAY))


def test_the_forming_candle_and_other_days_are_left_out(answering: Any, wire: Wire, tmp_path: Path) -> None:
    starts = [OPEN - timedelta(days=1), OPEN, OPEN + timedelta(minutes=1), OPEN + timedelta(minutes=2)]
    at = OPEN + timedelta(minutes=2, seconds=59)
    raw = fetched(answering, wire, tmp_path, chart(*starts), at=at)
    assert raw.opened.tolist() == [int(start.timestamp()) for start in starts[1:3]]


def test_a_daily_candle_comes_the_day_after(answering: Any, wire: Wire, tmp_path: Path) -> None:
    midnight = OPEN.replace(hour=0, minute=0)
    late, next_day = OPEN.replace(hour=23), OPEN + timedelta(days=1)
    assert len(fetched(answering, wire, tmp_path, chart(midnight), minutes=DAILY, at=late).opened) == 0
    assert len(fetched(answering, wire, tmp_path, chart(midnight), minutes=DAILY, at=next_day).opened) == 1
    assert json.loads(answering.asked[0][2])["toDate"] == "2026-11-21"


def test_open_interest_is_kept_and_nothing_is_no_number(answering: Any, wire: Wire, tmp_path: Path) -> None:
    raw = fetched(answering, wire, tmp_path, chart(OPEN, open_interest=[65.0], close=[None]))
    assert raw.open_interest.tolist() == [65.0]
    assert np.isnan(raw.prices[0, 3])
    assert np.isnan(fetched(answering, wire, tmp_path, chart(OPEN)).open_interest).all()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"open": []}, "no timestamps"),
        ([], "no timestamps"),
        (chart(OPEN, high=[]), "other lengths"),
        (chart(OPEN, timestamp=[OPEN.timestamp() * 1000]), "no seconds"),
    ],
)
def test_an_answer_that_is_no_chart_is_refused(
    body: Any, words: str, answering: Any, wire: Wire, tmp_path: Path
) -> None:
    with pytest.raises(DhanError, match=words):
        fetched(answering, wire, tmp_path, body)


def test_a_rolling_option_is_asked_for_by_its_distance(answering: Any, wire: Wire, tmp_path: Path) -> None:
    answering.will((200, {"data": {"ce": None, "pe": {**chart(OPEN), "oi": [130.0], "iv": [11.0]}}}))
    option = RollingOption(NIFTY, -1, OptionType.PE)
    question = Question(option.name, 5, Page(DAY, DAY), OPEN + timedelta(days=1))
    raw = fetch_rolling(reader_on(wire, tmp_path), option, question)
    assert raw.names == ("NIFTY-ATM-1-PE",)
    assert raw.open_interest.tolist() == [130.0]
    said = json.loads(answering.asked[0][2])
    assert (said["strike"], said["drvOptionType"], said["expiryFlag"]) == ("ATM-1", "PUT", "WEEK")
    assert said["toDate"] == "2026-11-21"
    answering.will((200, {"data": {"ce": None, "pe": None}}))
    assert len(fetch_rolling(reader_on(wire, tmp_path), option, question).opened) == 0
