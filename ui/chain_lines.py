"""How an expiry's ratios moved through the day: a few stored chains are read at each look, and none twice."""

import threading
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

from agents.data.store import Row, Store
from agents.domain.candles import moment
from agents.domain.values import IST
from agents.options.agent import OptionsAnalysisAgent
from agents.settings import Settings
from ui.chains import COLUMNS, OF_CONTRACTS, chain_of
from ui.rows import money
from ui.snapshot import ChartCandle

MOST_POINTS = 40
EACH_LOOK = 4

_MOMENTS = """
    select distinct epoch(quoted_at)::bigint from option_quotes
    where underlying = ? and expiry_on = ? and quoted_at >= ? and quoted_at <= ? order by 1
"""
_QUOTES = f"""
    select {COLUMNS}
    from option_quotes q {OF_CONTRACTS}
    where q.underlying = $underlying and q.expiry_on = $expiry_on and q.ltp > 0
          and epoch(q.quoted_at)::bigint in (select unnest($moments)) order by q.quoted_at, q.strike, q.option_type
"""  # noqa: S608 - its parts are texts of this program


class LinePoint(NamedTuple):
    """What one stored chain said; `atm_iv` is in per cent a year, moves in points. None: it could not say."""

    at: datetime
    pcr: float | None
    max_pain: float | None
    atm_iv: float | None
    straddle: float | None
    expected_move: float | None = None


class ChainLines:
    """Keeps the points of one store; all visitors share them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str, date], dict[int, LinePoint]] = {}

    def points(
        self,
        settings: Settings,
        underlying: str,
        expiry_on: date,
        now: datetime,
        minutes: Sequence[ChartCandle],
    ) -> tuple[tuple[LinePoint, ...], int]:
        """Return the day's points so far in order, and how many chains still wait to be read.

        Parameters
        ----------
        settings : Settings
            Whose store.
        underlying, expiry_on : str, date
            Which chain.
        now : datetime
            Nothing after it is read.
        minutes : sequence of ChartCandle
            Candles of the index, oldest first: a chain is read at the price of its moment.

        Raises
        ------
        DataError, ConfigError
            If the store cannot be read.
        """
        store = Store(settings.store_path, settings.mode, now=lambda: datetime.now(UTC), create=False)
        opens = now.astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)
        moments = thinned([row[0] for row in store.rows(_MOMENTS, [underlying, expiry_on, opens, now])])
        with self._lock:
            known = self._known.setdefault((str(settings.store_path), underlying, expiry_on), {})
            wanted = [at for at in moments if at not in known]
            asked: dict[str, object] = {
                "underlying": underlying,
                "expiry_on": expiry_on,
                "moments": wanted[-EACH_LOOK:],
            }
            rows = store.rows(_QUOTES, asked) if wanted else []
            agent = OptionsAnalysisAgent(settings.risk_free_rate)
            for at in wanted[-EACH_LOOK:]:
                known[at] = _point(agent, underlying, [row for row in rows if row[1] == at], at, minutes)
            found = tuple(known[at] for at in moments if at in known)
        return found, max(len(wanted) - EACH_LOOK, 0)


def thinned(moments: Sequence[int]) -> list[int]:
    """Return at most about `MOST_POINTS` of them, evenly, always the same ones of a growing list, and the last."""
    step = 1
    while len(moments) / step > MOST_POINTS:
        step *= 2
    kept = list(moments[::step])
    return kept if not moments or kept[-1] == moments[-1] else [*kept, moments[-1]]


def _point(
    agent: OptionsAnalysisAgent, underlying: str, rows: list[Row], at: int, minutes: Sequence[ChartCandle]
) -> LinePoint:
    spot = _price_at(minutes, at)
    if spot is None or not rows:
        return LinePoint(moment(at), None, None, None, None)
    chain = chain_of(underlying, rows[0][0], rows, spot)
    if chain.expiry_at <= moment(at):
        return LinePoint(moment(at), None, None, None, None)
    said = agent.analyze_option_chain(chain, moment(at))
    iv = None if said.atm_iv is None else said.atm_iv * 100
    return LinePoint(moment(at), said.whole.oi, said.max_pain, iv, said.straddle, said.expected_move)


def _price_at(minutes: Sequence[ChartCandle], at: int) -> Decimal | None:
    """Return the close of the last candle that had ended by then."""
    place = bisect_right([candle.closed_at for candle in minutes], at)
    return money(minutes[place - 1].close) if place else None
