"""Candles as the charts service answers them: intraday, daily, and rolling options."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from exchange.calls import Body, Call, Route
from exchange.clock import IST, Millis, at_ist, ist, to_millis
from exchange.envelopes import MISSING_FIELDS, Reply, data_not_subscribed, input_error, internal_error, java, no_data
from exchange.market import Candle
from exchange.rolling import RollingQuestion, RollingRow, rolling_columns, rolling_rows
from exchange.series import Printed, columns, longer, merged

if TYPE_CHECKING:
    from exchange.core import Core

INTERVALS = (1, 5, 15, 25, 60)
INTRADAY_DAYS = 90
ROLLING_DAYS = 30
TOO_LONG = "Data for Intraday Charts can be fetched for 90 days at a time"
TOO_LONG_ROLLING = "Data for Rolling Options can be fetched for 30 days at a time"
FIELDS = ("open", "high", "low", "close", "iv", "volume", "strike", "oi", "spot")


async def intraday(core: "Core", call: Call) -> Reply:
    """Answer /charts/intraday; where the range reaches the present day, the end's time is ignored, as Dhan does.

    It goes from session to session and lets others have their turn in between: ninety days take a while.
    """
    _subscribed(call)
    body = call.body
    security_id, segment = _security(body), str(body.get("exchangeSegment"))
    minutes = _interval(body.get("interval", 1))
    start, end = _moment(body.get("fromDate"), end=False), _moment(body.get("toDate"), end=True)
    if end - start > INTRADAY_DAYS * 86_400_000:
        raise input_error(TOO_LONG)
    if start >= end or start > call.now:
        raise no_data()
    if ist(end - 1).date() >= ist(call.now).date():
        end = call.now + 1
    printed = Printed(with_interest=body.get("oi") is True)
    for first, last in _days(start, end):
        printed.add(_sessions(core, core.market.candles(security_id, segment, first, last, call.now), minutes))
        await asyncio.sleep(0)
    return Reply(200, printed.body())


async def daily(core: "Core", call: Call) -> Reply:
    """Answer /charts/historical: a candle a session, the end date left out; as `intraday`, session by session."""
    _subscribed(call)
    body = call.body
    security_id, segment = _security(body), str(body.get("exchangeSegment"))
    first, last = _date(body.get("fromDate")), _date(body.get("toDate"))
    if first >= last:
        raise no_data()
    start, end = at_ist(first, 0, 0), at_ist(last, 0, 0)
    found = []
    for opens, closes in _days(start, min(end, call.now + 1)):
        members = core.market.candles(security_id, segment, opens, closes, call.now)
        if members:
            found.append(merged(members)._replace(opened_at=opens))
        await asyncio.sleep(0)
    if not found:
        raise no_data()
    return java(columns(found, with_interest=body.get("oi") is True))


async def rolling_options(core: "Core", call: Call) -> Reply:
    """Answer /charts/rollingoption: the option that was so many strikes from the money, candle by candle."""
    _subscribed(call)
    question = _rolling_question(call.body)
    if (question.last - question.first).days > ROLLING_DAYS:
        raise input_error(TOO_LONG_ROLLING)
    if question.first >= question.last:
        raise no_data()
    rows: list[RollingRow] = []
    for session in rolling_rows(core.market, question, call.now):
        rows += session
        await asyncio.sleep(0)
    found = rolling_columns(rows, question)
    side = "ce" if question.option_type == "CE" else "pe"
    return java({"data": {"ce": None, "pe": None, side: found}})


def _sessions(core: "Core", candles: Sequence[Candle], minutes: int) -> list[Candle]:
    """Return candles of an interval, which starts afresh with every session."""
    if minutes == 1:
        return list(candles)
    found: list[Candle] = []
    for on, members in groupby(candles, key=_day):
        hours = core.market.hours(on)
        opened = list(members)
        found += longer(opened, hours.open_at if hours else opened[0].opened_at, minutes)
    return found


def _days(start: Millis, end: Millis) -> Iterator[tuple[Millis, Millis]]:
    """Yield the stretches of a range that lie on one date each."""
    while start < end:
        midnight = at_ist(ist(start).date() + timedelta(days=1), 0, 0)
        yield start, min(midnight, end)
        start = midnight


def _subscribed(call: Call) -> None:
    if not call.account.data_plan:
        raise data_not_subscribed()


def _security(body: Body) -> int:
    """Return the id; one that is no number breaks the service inside, and it says so."""
    asked = body.get("securityId")
    if asked is None or body.get("exchangeSegment") is None or body.get("instrument") is None:
        raise input_error()
    try:
        return int(asked)
    except (TypeError, ValueError) as error:
        raise internal_error(f'For input string: "{asked}"', 500) from error


def _interval(asked: object) -> int:
    try:
        minutes = int(str(asked))
    except ValueError as error:
        raise input_error() from error
    if minutes not in INTERVALS:
        raise input_error()
    return minutes


def _moment(text: object, *, end: bool) -> Millis:
    """Return a date or a date with a time; an end without a time is the end of its day."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise input_error() from error
    whole_day = end and len(str(text)) == len("2026-11-20")
    return to_millis(moment.replace(tzinfo=IST) + timedelta(days=1 if whole_day else 0))


def _date(text: object) -> date:
    return ist(_moment(text, end=False)).date()


def _day(candle: Candle) -> date:
    return ist(candle.opened_at).date()


def _rolling_question(body: Body) -> RollingQuestion:
    """Return what is asked about rolling options.

    Raises
    ------
    ApiError
        DH-905 if a field is missing or has a value that does not exist.
    """
    sides, flags = {"CALL": "CE", "PUT": "PE"}, {"WEEK", "MONTH"}
    side, flag = body.get("drvOptionType"), body.get("expiryFlag")
    distance = str(body.get("strike", "")).removeprefix("ATM") or "0"
    wanted = body.get("requiredData")
    if side not in sides or flag not in flags or not isinstance(wanted, list) or not set(wanted) <= set(FIELDS):
        raise input_error(MISSING_FIELDS)
    try:
        return RollingQuestion(
            underlying_id=_security(body),
            option_type=sides[side],
            monthly=flag == "MONTH",
            expiry_code=int(body.get("expiryCode", 0)),
            strikes_away=int(distance),
            fields=tuple(field for field in FIELDS if field in wanted),
            minutes=_interval(body.get("interval", 1)),
            first=_date(body.get("fromDate")),
            last=_date(body.get("toDate")),
        )
    except (TypeError, ValueError) as error:
        raise input_error(MISSING_FIELDS) from error


ROUTES = (
    Route("POST", "/charts/intraday", intraday, "data"),
    Route("POST", "/charts/historical", daily, "data"),
    Route("POST", "/charts/rollingoption", rolling_options, "data"),
)
