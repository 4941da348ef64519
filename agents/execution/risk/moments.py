"""The two moments at which the rules are asked: when a cycle decides, and once more before an order is sent.

A cycle rests on what the store holds, the guardian on live prices; the ages that are allowed differ accordingly.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from agents.domain.checks import Check
from agents.domain.cycle import DeskState
from agents.domain.errors import MissingDataError
from agents.domain.market import OptionChain, Quote, Session
from agents.domain.orders import TradeSetup
from agents.domain.values import IST
from agents.execution.guardian.ports import Quotes, TopOfBook
from agents.execution.risk.account import Account
from agents.execution.risk.conditions import Conditions, Outside, Track
from agents.execution.risk.fair import fair_value
from agents.execution.risk.limits import Limits
from agents.execution.risk.question import Question
from agents.execution.risk.rules import check
from agents.execution.risk.sizing import size
from agents.execution.risk.special_days import SpecialDays
from agents.options import Market

NOTHING_KNOWN: Final = Outside()


def weigh(
    setup: TradeSetup, account: Account, limits: Limits, conditions: Conditions, *, now: datetime, session: Session
) -> tuple[int, tuple[Check, ...]]:
    """Return the lots to buy, and what every rule says of buying them."""
    lots = size(setup, account, limits, conditions)
    return lots, check(Question(setup, lots, account, limits, now, session, conditions))


def deciding(
    setup: TradeSetup,
    chain: OptionChain,
    price: Quote,
    *,
    limits: Limits | None,
    now: datetime,
    zones_at: datetime,
    state: DeskState,
    halted: str,
    days: SpecialDays | None,
    market: Market | None = None,
    track: Track | None = None,
    to_prove: int = 0,
) -> Conditions:
    """Return what a cycle knows; `limits` is None where a recording is traded, whose prices cannot be late.

    With a `market` the contract is also valued by the strikes beside it. `to_prove` is how many outcomes the judge's
    record must have, 0 where no real money follows it.
    """
    quote = next((each for each in chain.quotes if each.contract.instrument == setup.contract), None)
    event, factor = _look(days, now)
    return Conditions(
        freshness=None if limits is None else limits.deciding,
        index_age=_age(price.at, now),
        quote_age=None if quote is None else _age(quote.at, now),
        chain_age=_age(chain.at, now),
        zones_age=_age(zones_at, now),
        fair=None if market is None else fair_value(chain, market, setup.contract),
        last=None if quote is None else float(quote.ltp),
        middle=None if quote is None else _middle(quote.bid, quote.ask),
        spread=None if quote is None else _spread(quote.bid, quote.ask),
        index_move=float(price.ltp / setup.spot - 1),
        state=state,
        halted=halted,
        event=event,
        event_factor=factor,
        track=track,
        to_prove=to_prove,
    )


def sending(
    setup: TradeSetup,
    quotes: Quotes,
    *,
    limits: Limits,
    now: datetime,
    speed: int = 1,
    days: SpecialDays | None = None,
    zones_at: datetime | None = None,
    outside: Outside = NOTHING_KNOWN,
    vix: float | None = None,
) -> Conditions:
    """Return what the guardian knows just before it sends an order, from its own live prices.

    Parameters
    ----------
    setup : TradeSetup
        What is asked for; the chain behind it is as old as its decision.
    quotes : Quotes
        The guardian's prices; what they do not have counts as unknown, which forbids.
    limits : Limits
        As they stand.
    now : datetime
        The market's present.
    speed : int
        Market seconds per second.
    days : SpecialDays, optional
        Which days are special.
    zones_at : datetime, optional
        Up to when the zones behind the setup knew the market.
    outside : Outside
        What the sender knows of clock, account, address and requests.
    vix : float, optional
        India VIX.
    """
    book, index = _book(quotes, setup.contract), _index(quotes, setup.instrument)
    event, factor = _look(days, now)
    return replace(
        _outside(outside),
        freshness=limits.sending,
        speed=speed,
        index_age=None if index is None else _age(index.at, now),
        quote_age=None if book is None else _age(book.at, now),
        chain_age=_age(setup.decided_at, now),
        zones_age=None if zones_at is None else _age(zones_at, now),
        last=None if book is None else float(book.ltp),
        middle=None if book is None else _middle(book.bid, book.ask),
        spread=None if book is None else _spread(book.bid, book.ask),
        index_move=None if index is None else float(index.ltp / setup.spot - 1),
        lower_circuit=_number(None if book is None else book.lower_circuit),
        upper_circuit=_number(None if book is None else book.upper_circuit),
        depth=None if book is None else book.offered,
        event=event,
        event_factor=factor,
        vix=vix,
    )


def _outside(outside: Outside) -> Conditions:
    """Return what the sender knows besides prices and book; all else is unknown yet."""
    return Conditions(
        state=outside.state,
        halted=outside.halted,
        clock_skew=outside.clock_skew,
        account=outside.account,
        expected_account=outside.expected_account,
        address=outside.address,
        mode=outside.mode,
        requests_second=outside.requests_second,
        requests_day=outside.requests_day,
    )


def _look(days: SpecialDays | None, now: datetime) -> tuple[str, float | None]:
    return days.look(now.astimezone(IST).date()) if days is not None else ("", None)


def _book(quotes: Quotes, contract: str) -> TopOfBook | None:
    try:
        return quotes.book(contract)
    except MissingDataError:
        return None


def _index(quotes: Quotes, name: str) -> Quote | None:
    try:
        return quotes.underlying(name)
    except MissingDataError:
        return None


def _age(at: datetime, now: datetime) -> float:
    return (now - at).total_seconds()


def _middle(bid: Decimal | None, ask: Decimal | None) -> float | None:
    return None if bid is None or ask is None else float(bid + ask) / 2


def _spread(bid: Decimal | None, ask: Decimal | None) -> float | None:
    return None if bid is None or ask is None else float(ask - bid)


def _number(price: Decimal | None) -> float | None:
    return None if price is None else float(price)
