"""What an option chain says, number by number; None wherever there is no honest number."""

from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime

from agents.domain.values import Frozen, OptionType, Rupees


class BuildUp(StrEnum):
    """What price and open interest of one option did together; the words are about that option, not the index."""

    LONG_BUILD_UP = "long_buildup"
    SHORT_BUILD_UP = "short_buildup"
    SHORT_COVERING = "short_covering"
    LONG_UNWINDING = "long_unwinding"
    FLAT = "flat"


class PutCallRatios(Frozen):
    """Puts over calls, over `strikes` strikes from `lowest` to `highest`.

    None where there are no calls. `oi_change` needs open interest that rose on both sides since the session before,
    because a ratio of anything else changes its sign at random.
    """

    strikes: int
    lowest: Rupees
    highest: Rupees
    oi: float | None
    volume: float | None
    oi_change: float | None


class OptionReading(Frozen):
    """One option of a chain.

    `premium` is the middle of bid and ask, or the last trade in a recording without either. `iv` is None where
    `no_iv` says why. Delta and gamma are per rupee of the forward, vega per point of volatility (0.01), theta a
    calendar day of 1/365 year. `build_up` compares with the close of the session before, `build_up_since` with an
    earlier chain of the same session.
    """

    contract: str
    strike: Rupees
    option_type: OptionType
    premium: float
    bid: Rupees | None
    ask: Rupees | None
    open_interest: int
    open_interest_change: int | None
    volume: int
    iv: float | None
    no_iv: str
    delta: float | None
    gamma: float | None
    vega: float | None
    theta: float | None
    vendor_iv: float | None
    build_up: BuildUp | None
    build_up_since: BuildUp | None


class SmilePoint(Frozen):
    """The volatility of one strike: of the option out of the money where that has one, else of the other, by parity."""

    strike: Rupees
    iv: float | None
    option_type: OptionType | None


class Skew(Frozen):
    """Volatilities of the options with a quarter of delta, decimals a year.

    `risk_reversal` is the call's less the put's, `butterfly` their mean less the one at the money. Strikes and
    volatilities are read between neighbours, in a straight line over delta.
    """

    call_strike: float | None
    call_iv: float | None
    put_strike: float | None
    put_iv: float | None
    risk_reversal: float | None
    butterfly: float | None


class DailyIv(Frozen):
    """A day's volatility at the money for a constant maturity, taken at `measured_at`; comparable across days.

    It lies between `near_expiry_on` and `far_expiry_on`, whose total variance is read in a straight line over time;
    the two are the same where an expiry falls on the maturity itself.
    """

    underlying: str
    session: date
    measured_at: AwareDatetime
    maturity_days: int
    iv: float
    near_expiry_on: date
    far_expiry_on: date


class IvStanding(Frozen):
    """Where today's constant-maturity volatility stands among `days` earlier ones, both in [0, 1].

    `rank` places it between the lowest and the highest, `percentile` is the share of days below it. None until there
    are enough days.
    """

    iv: float | None
    days: int
    rank: float | None
    percentile: float | None


class ChainAnalysis(Frozen):
    """Everything that one chain says at a moment. `conventions` states the units and models of its numbers.

    `forward_source` is "parity of n strikes" or says that spot was carried; then there are no volatilities, since spot
    is no forward. Moves are in points of the index: `expected_move` is one standard deviation to expiry,
    `expected_size` the mean of the move without its sign, `session_move` one standard deviation of a trading session.
    `gamma_exposure` is in rupees for one per cent, if dealers hold calls and owe puts, which nobody has shown: to look
    at, not to trade on. `warnings` are for a person.
    """

    underlying: str
    at: AwareDatetime
    analysed_at: AwareDatetime
    expiry_at: AwareDatetime
    conventions: str
    synthetic: bool
    years: float
    discount: float
    spot: Rupees
    forward: float
    forward_source: str
    forward_strikes: int
    forward_deviation: float | None
    whole: PutCallRatios
    near: PutCallRatios
    max_pain: float | None
    call_wall: Rupees | None
    put_wall: Rupees | None
    atm_strike: Rupees
    atm_iv: float | None
    straddle: float | None
    expected_move: float | None
    expected_size: float | None
    session_move: float | None
    skew: Skew
    gamma_exposure: float | None
    vendor_gap: float | None
    standing: IvStanding
    smile: tuple[SmilePoint, ...]
    options: tuple[OptionReading, ...]
    warnings: tuple[str, ...]
