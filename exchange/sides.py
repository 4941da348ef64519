"""The options of one index, expiry and right in a session, out of a listing or out of a session that is over."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exchange.clock import Millis
from exchange.columns import MinuteCandles
from exchange.listings import PAISE_A_TICK, Key, Listed, Listing, OptionSeries
from exchange.market import Candle, Options, OptionSide
from exchange.tapes import Tape


def candles_shown(found: MinuteCandles, take: NDArray[np.bool_] | slice) -> Sequence[Candle]:
    """Return some of a session's candles in paise and milliseconds."""
    prices = [column[take] * PAISE_A_TICK for column in (found.open, found.high, found.low, found.close)]
    columns = (found.opened_at[take] * 1000, *prices, found.volume[take], found.open_interest[take])
    return [Candle(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def series_in(listing: Listing, side: OptionSide) -> OptionSeries | None:
    """Return the contracts of one expiry and right that a listing has, None where there are none."""
    own = _members(listing, side)
    if own is None:
        return None

    def candles(strikes: Sequence[int]) -> Mapping[int, MinuteCandles]:
        return {strike: own[strike].candles for strike in strikes if strike in own}

    end = next(iter(own.values())).contract.expiry_on
    assert end is not None, "options expire"
    return OptionSeries(end, sorted(own), candles)


def past_options(series: OptionSeries) -> Options:
    """Return the options of a session that is over."""

    def candles(strikes: Sequence[int]) -> Mapping[int, Sequence[Candle]]:
        return {strike: candles_shown(found, slice(None)) for strike, found in series.candles(strikes).items()}

    return Options(series.expiry_on, series.strikes, candles)


def present_options(listing: Listing, side: OptionSide, tape_of: Callable[[Key], Tape], now: Millis) -> Options | None:
    """Return the options of the session that a listing is of, as far as it has come; None where there are none."""
    series, own = series_in(listing, side), _members(listing, side)
    if series is None or own is None:
        return None

    def candles(strikes: Sequence[int]) -> Mapping[int, Sequence[Candle]]:
        keys = {strike: own[strike].contract for strike in strikes if strike in own}
        tapes = {strike: tape_of((one.segment, one.security_id)) for strike, one in keys.items()}
        return {strike: tape.candles(0, now + 1, now) for strike, tape in tapes.items()}

    return Options(series.expiry_on, series.strikes, candles)


def _members(listing: Listing, side: OptionSide) -> Mapping[int, Listed] | None:
    """Return the contracts that a side means by strike, None where there are none."""
    known = [
        one
        for one in listing.listed.values()
        if one.contract.kind == "OPTIDX"
        and one.contract.underlying_id == side.underlying_id
        and one.contract.option_type == side.option_type
    ]
    ends = {one.contract.expiry_on: one.contract.expiry_flag == "M" for one in known}
    end = side.end({on: last_of_month for on, last_of_month in ends.items() if on is not None})
    return None if end is None else {one.contract.strike: one for one in known if one.contract.expiry_on == end}
