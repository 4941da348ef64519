"""Option chains of the store, read and analysed when somebody looks at them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from agents.data.contracts import expiry_at, lot_size
from agents.data.iv_history import IvHistory
from agents.data.store import Row, Store
from agents.domain.candles import moment
from agents.domain.chain import ChainAnalysis
from agents.domain.market import OptionChain, OptionContract, OptionQuote
from agents.domain.values import IST, OptionType, to_rupees
from agents.options.agent import OptionsAnalysisAgent
from agents.settings import Settings

MOST_EXPIRIES = 4
FAR = timedelta(days=7)

COLUMNS = """q.expiry_on, epoch(q.quoted_at)::bigint, q.strike, q.option_type, i.instrument, i.tick_size, q.ltp, q.bid,
           q.ask, q.bid_quantity, q.ask_quantity, q.open_interest, q.open_interest_change, q.volume, q.source"""
OF_CONTRACTS = """join instruments i on i.underlying = q.underlying and i.expiry_on = q.expiry_on
         and i.strike = q.strike and i.option_type = q.option_type and i.kind = 'option'"""
_QUOTES = f"""
    with latest as (
        select expiry_on, max(quoted_at) as quoted_at from option_quotes
        where underlying = $underlying and quoted_at <= $now and quoted_at > $since group by expiry_on
        order by expiry_on limit $most
    )
    select {COLUMNS}
    from option_quotes q join latest using (expiry_on, quoted_at) {OF_CONTRACTS}
    where q.underlying = $underlying and q.ltp > 0 order by q.expiry_on, q.strike, q.option_type
"""  # noqa: S608 - its parts are texts of this program
_FIRST = f"""
    select i.instrument, i.tick_size, arg_min(q.ltp, q.quoted_at) from option_quotes q {OF_CONTRACTS}
    where q.underlying = $underlying and q.quoted_at >= $opens and q.quoted_at <= $now and q.ltp > 0 group by all
"""  # noqa: S608 - its parts are texts of this program


def first_premiums(settings: Settings, underlying: str, now: datetime) -> dict[str, Decimal]:
    """Return the premium of each contract in the first stored chain of the day that has one, by contract.

    Raises
    ------
    DataError, ConfigError
        If the store cannot be read.
    """
    store = Store(settings.store_path, settings.mode, now=lambda: datetime.now(UTC), create=False)
    opens = now.astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = store.rows(_FIRST, {"underlying": underlying, "opens": opens, "now": now})
    return {name: to_rupees(price, Decimal(size)) for name, size, price in rows}


def analyses(settings: Settings, underlying: str, now: datetime, spot: Decimal) -> tuple[ChainAnalysis, ...]:
    """Return what the newest chain of each of the next expiries says at `now`, the nearest expiry first.

    Raises
    ------
    DataError, ConfigError
        If the store cannot be read.
    """
    store = Store(settings.store_path, settings.mode, now=lambda: datetime.now(UTC), create=False)
    asked = {"underlying": underlying, "now": now, "since": now - timedelta(days=1), "most": MOST_EXPIRIES}
    rows = store.rows(_QUOTES, asked)
    agent = OptionsAnalysisAgent(settings.risk_free_rate)
    expiries = sorted({row[0] for row in rows})
    chains = [chain_of(underlying, on, [row for row in rows if row[0] == on], spot) for on in expiries]
    far = next((chain for chain in chains if chain.expiry_at - now > FAR), None)
    history = IvHistory(store).days(underlying, now.astimezone(IST).date())
    return tuple(
        agent.analyze_option_chain(chain, now, far=far, history=history) for chain in chains if chain.expiry_at > now
    )


def chain_of(underlying: str, expiry_on: date, rows: list[Row], spot: Decimal) -> OptionChain:
    """Return one snapshot of a chain from its rows in the order of `COLUMNS`."""
    size = lot_size(underlying, expiry_on)
    return OptionChain(
        underlying=underlying,
        at=moment(rows[0][1]),
        expiry_at=expiry_at(expiry_on),
        spot=spot,
        quotes=tuple(_quote(underlying, row, size) for row in rows),
        synthetic=any("simulat" in str(row[14]) for row in rows),
    )


def _quote(underlying: str, row: Row, size: int) -> OptionQuote:
    expiry_on, at, strike, right, name, tick_size, ltp, bid, ask, bids, asks, interest, grown, volume, _ = row
    tick = Decimal(tick_size).normalize()
    contract = OptionContract(
        instrument=name,
        underlying=underlying,
        expiry_at=expiry_at(expiry_on),
        strike=Decimal(strike).normalize(),
        option_type=OptionType(right),
        lot_size=size,
        tick_size=tick,
    )
    return OptionQuote(
        contract=contract,
        at=moment(at),
        ltp=to_rupees(ltp, tick),
        bid=None if bid is None else to_rupees(bid, tick),
        ask=None if ask is None else to_rupees(ask, tick),
        bid_quantity=bids,
        ask_quantity=asks,
        open_interest=interest or 0,
        previous_open_interest=None if grown is None or interest is None else interest - grown,
        volume=volume or 0,
    )
