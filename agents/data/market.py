"""The recorded market behind the port `MarketData`: what the store knows, as of a moment."""

from datetime import date, datetime, timedelta

import numpy as np

from agents.data.contracts import OPTION_TICK, expiry_at, lot_size
from agents.data.days import Day, DayCache, Series
from agents.data.grid import as_day
from agents.data.instruments import load_instruments
from agents.data.lasts import last_quoted, last_row, last_traded
from agents.data.names import instrument_from
from agents.data.sessions import load_minutes
from agents.data.store import Store
from agents.domain.candles import Candles, epoch, moment
from agents.domain.errors import ConfigError, MissingDataError
from agents.domain.market import Instrument, InstrumentKind, OptionChain, OptionContract, OptionQuote, Quote
from agents.domain.values import IST, to_rupees

SNAPSHOT_AGE = timedelta(minutes=5)
_LAST_CLOSE = """
    select close, closed_at from candles
    where instrument = $who and closed_at <= $at and minutes <= 1440 and ($by is null or ingested_at <= $by)
    order by closed_at desc, minutes limit 1
"""
_LAST_STORED = "select max(ingested_at) from candles where session = ?"


class StoreMarket:
    """Recorded (or simulated) candles and quotes as known at a moment; implements `agents.ports.MarketData`.

    A price is the close of the last closed candle, or a later option quote, and carries that moment. Whole sessions
    are kept in memory; nothing later than the moment asked for is ever used.

    Parameters
    ----------
    store : Store
        Where they are recorded.
    known_by : datetime, optional
        What somebody knew: candles that were stored later (in the machine's time) are not seen.
    quoted_by : datetime, optional
        The same for option quotes, in the market's time: later snapshots are not seen.
    """

    def __init__(self, store: Store, *, known_by: datetime | None = None, quoted_by: datetime | None = None) -> None:
        self._store = store
        self._known_by = known_by
        self._quoted_by = quoted_by
        self._days = DayCache(store, known_by)
        self._book = _Book(store)

    def quote(self, instrument: str, now: datetime) -> Quote:
        """Return the last price seen by `now`.

        Raises
        ------
        MissingDataError
            If the instrument has no price by then.
        """
        each = self._book.instrument(instrument)
        day = self._day(each, now)
        traded = last_traded(day.series.get(instrument), now)
        quoted = last_quoted(day.quotes.get(instrument), now)
        if quoted and (traded is None or quoted.at >= traded.at):
            return Quote(instrument=instrument, at=moment(quoted.at), ltp=quoted.ltp, bid=quoted.bid, ask=quoted.ask)
        if traded:
            ltp = to_rupees(traded.close, each.tick_size)
            return Quote(instrument=instrument, at=moment(traded.at), ltp=ltp)
        found = self._store.rows(_LAST_CLOSE, {"who": instrument, "at": now, "by": self._known_by})
        if not found:
            raise MissingDataError(f"{instrument} has no price by {now}; import its candles up to then")
        close, at = found[0]
        return Quote(instrument=instrument, at=at, ltp=to_rupees(close, each.tick_size))

    def minutes(self, instrument: str, after: datetime, until: datetime) -> Candles:
        """Return the finest candles that closed in (after, until]; empty when none did.

        Raises
        ------
        MissingDataError
            If the instrument is not known.
        """
        each = self._book.instrument(instrument)
        on = until.astimezone(IST).date()
        series = self._day(each, until).series.get(instrument)
        if series is None and self._known_by is not None:
            return load_minutes(self._store, instrument, until, until)
        if series is None or after.astimezone(IST).date() != on:
            return load_minutes(self._store, instrument, after, until)
        first, end = np.searchsorted(series.closed, [epoch(after), epoch(until)], side="right").tolist()
        return _candles(each, series, slice(first, end), as_day(on))

    def chain(self, underlying: str, now: datetime, *, min_minutes: int) -> OptionChain:
        """Return the chain of the nearest expiry at least `min_minutes` away.

        The newest snapshot of the expiry is preferred if it is less than five minutes old; options that it does not
        quote are left out, so that all prices are of one moment. Without one, each contract counts with its last
        candle of the session, and has no bid or ask.

        Raises
        ------
        MissingDataError
            If no option of such an expiry has a price in this session.
        """
        spot = self.quote(underlying, now).ltp
        day = self._days.day(underlying, now, options=True)
        earliest = now + timedelta(minutes=min_minutes)
        quoted = now if self._quoted_by is None else min(now, self._quoted_by)
        for found in (self._quoted(day, quoted, earliest, now), self._traded(day, now, earliest)):
            if found:
                expiry = min(quote.contract.expiry_at for quote in found)
                quotes = [quote for quote in found if quote.contract.expiry_at == expiry]
                quotes.sort(key=lambda quote: (quote.contract.strike, quote.contract.option_type))
                at = max(quote.at for quote in quotes)
                return OptionChain(
                    underlying=underlying,
                    at=at,
                    expiry_at=expiry,
                    spot=spot,
                    quotes=tuple(quotes),
                    synthetic=day.synthetic,
                )
        raise MissingDataError(
            f"no option on {underlying} with {min_minutes} minutes to expiry has a price on {now:%Y-%m-%d} by "
            f"{now:%H:%M}; import an option file of that session"
        )

    def _quoted(self, day: Day, seen_at: datetime, earliest: datetime, now: datetime) -> list[OptionQuote]:
        """Return the quotes of each expiry's newest snapshot by `seen_at`, if it is not too old at `now`."""
        rows = {name: last_row(series.quoted, seen_at) for name, series in day.quotes.items()}
        seen = [(self._book.contract(name), rows[name], series) for name, series in day.quotes.items()]
        newest: dict[datetime, int] = {}
        for contract, row, series in seen:
            if row >= 0:
                newest[contract.expiry_at] = max(int(series.quoted[row]), newest.get(contract.expiry_at, 0))
        oldest = epoch(now - SNAPSHOT_AGE)
        found = []
        for contract, _, series in seen:
            last = last_quoted(series, seen_at)
            if last and last.at > oldest and contract.expiry_at >= earliest and last.at == newest[contract.expiry_at]:
                found.append(
                    OptionQuote(
                        contract=contract,
                        at=moment(last.at),
                        ltp=last.ltp,
                        bid=last.bid,
                        ask=last.ask,
                        open_interest=last.open_interest,
                        volume=last.volume,
                        bid_quantity=last.bid_quantity,
                        ask_quantity=last.ask_quantity,
                        previous_open_interest=last.previous_open_interest,
                        vendor_iv=last.vendor_iv,
                    )
                )
        return found

    def _traded(self, day: Day, now: datetime, earliest: datetime) -> list[OptionQuote]:
        """Return each contract's last candle as a quote."""
        found = []
        for name, series in day.series.items():
            last = last_traded(series, now)
            if last and (contract := self._book.contract(name)).expiry_at >= earliest:
                found.append(
                    OptionQuote(
                        contract=contract,
                        at=moment(last.at),
                        ltp=to_rupees(last.close, contract.tick_size),
                        open_interest=last.open_interest,
                        volume=last.volume,
                    )
                )
        return found

    def _day(self, each: Instrument, now: datetime) -> Day:
        if each.kind is InstrumentKind.OPTION and each.underlying:
            return self._days.day(each.underlying, now, options=True)
        return self._days.day(each.name, now, options=False)


def last_stored(store: Store, on: date) -> datetime | None:
    """Return when the newest candle of a date was stored, in the machine's time; None if there is none.

    Writes follow each other and are stamped while they have the store to themselves, so whoever looks now sees every
    candle stored by then, and whoever asks for those stored by then will see the same ones later.
    """
    found: datetime | None = store.rows(_LAST_STORED, [on])[0][0]
    return found


class _Book:
    """What is known of instruments and contracts, looked up once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._instruments: dict[str, Instrument] = {}
        self._contracts: dict[str, OptionContract] = {}

    def instrument(self, name: str) -> Instrument:
        if name not in self._instruments:
            self._instruments |= {each.name: each for each in load_instruments(self._store)}
        if name not in self._instruments:
            spelled = instrument_from(name, OPTION_TICK)
            if spelled.kind is not InstrumentKind.OPTION:
                raise MissingDataError(f"{name} is not in {self._store.path}; import its candles first")
            self._instruments[name] = spelled  # an option that has quotes and no candles
        return self._instruments[name]

    def contract(self, name: str) -> OptionContract:
        if name not in self._contracts:
            self._contracts[name] = contract_of(self.instrument(name))
        return self._contracts[name]


def contract_of(each: Instrument) -> OptionContract:
    """Return the contract that an option instrument stands for.

    Raises
    ------
    ConfigError
        If it is no option, or its lot size is not known.
    """
    if each.underlying is None or each.expiry_on is None or each.strike is None or each.option_type is None:
        raise ConfigError(f"{each.name} is no option with an expiry and a strike; choose a contract")
    return OptionContract(
        instrument=each.name,
        underlying=each.underlying,
        expiry_at=expiry_at(each.expiry_on),
        strike=each.strike,
        option_type=each.option_type,
        lot_size=lot_size(each.underlying, each.expiry_on),
        tick_size=each.tick_size,
    )


def _candles(each: Instrument, series: Series, part: slice, day: int) -> Candles:
    count = len(series.closed[part])
    return Candles(
        instrument=each.name,
        tick_size=each.tick_size,
        minutes=series.minutes,
        opened_at=series.opened[part],
        closed_at=series.closed[part],
        open=series.open[part],
        high=series.high[part],
        low=series.low[part],
        close=series.close[part],
        volume=series.volume[part],
        session=np.full(count, day, dtype=np.int64),
        source=(f"{series.minutes}m",) * count,
    )
