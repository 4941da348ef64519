"""Minutes that the store lacks, read from the broker's charts: what is forming or was never traded is not invented."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from agents.data.feed.minutes import MINUTE
from agents.data.feed.writer import StoreSink
from agents.data.names import instrument_from, is_frozen_in_auction, trades_like_derivatives
from agents.data.store import Store
from agents.domain.candles import epoch
from agents.domain.market import Session
from agents.domain.values import Frozen

if TYPE_CHECKING:
    from agents.data.agent import DataCollectionAgent
    from agents.data.feed.instruments import FeedInstrument

_ANY_TICK = Decimal("0.05")  # a name's kind does not depend on its tick


class Filled(Frozen):
    """What became of the missing minutes of one instrument and date."""

    instrument: str
    on: date
    asked: int
    filled: int

    @property
    def missing(self) -> int:
        """How many are still missing."""
        return self.asked - self.filled


def session_minutes(session: Session, instrument: str, until: datetime) -> list[int]:
    """Return the minutes that an index or future trades in and that were over by `until`.

    Seconds since 1970 UTC at which they open, ascending.
    """
    kind = instrument_from(instrument, _ANY_TICK).kind
    last = session.derivatives_close_at if trades_like_derivatives(instrument, kind) else session.close_at
    if is_frozen_in_auction(instrument, kind) and session.index_frozen_from is not None:
        last = min(last, session.index_frozen_from)
    closes = [*(segment.close_at for segment in session.segments[:-1]), last]
    opens = [segment.open_at for segment in session.segments]
    return [
        minute
        for start, end in zip(opens, closes, strict=True)
        for minute in range(epoch(start), min(epoch(end), epoch(until) - MINUTE + 1), MINUTE)
    ]


def absent_minutes(store: Store, instrument: str, wanted: Sequence[int]) -> list[int]:
    """Return those of `wanted` that have no one-minute candle in the store."""
    if not wanted or not store.exists:
        return list(wanted)
    sql = (
        "select epoch(opened_at)::bigint from candles "
        "where instrument = ? and minutes = 1 and opened_at between ? and ?"
    )
    rows = store.rows(sql, [instrument, *(datetime.fromtimestamp(at, UTC) for at in (wanted[0], wanted[-1]))])
    there = {int(row[0]) for row in rows}
    return [minute for minute in wanted if minute not in there]


def fill_minutes(agent: "DataCollectionAgent", names: Sequence[str], on: date, until: datetime) -> list[Filled]:
    """Ask the charts for the minutes of a session that the store lacks.

    Parameters
    ----------
    agent : DataCollectionAgent
        Asks, and owns the store.
    names : sequence of str
        Indices and futures: what trades in every minute.
    on : date
        The session.
    until : datetime
        Only minutes that were over by then.

    Returns
    -------
    list of Filled
        One for each name that lacked minutes.

    Raises
    ------
    DhanError
        If the charts do not answer.
    MissingDataError
        If the day's master does not list a name.
    """
    lacking = {name: absent for name in names if (absent := _absent(agent, name, on, until))}
    if not lacking:
        return []
    return [_fill(agent, each, on, lacking[each.name]) for each in agent.account_feed.instruments(lacking)]


def _absent(agent: "DataCollectionAgent", name: str, on: date, until: datetime) -> list[int]:
    session = agent.calendar.session(on)
    return [] if session is None else absent_minutes(agent.store, name, session_minutes(session, name, until))


def _fill(agent: "DataCollectionAgent", each: "FeedInstrument", on: date, absent: Sequence[int]) -> Filled:
    first, end = (datetime.fromtimestamp(at, UTC) for at in (absent[0], absent[-1] + MINUTE))
    wanted = set(absent)
    bars = [bar for bar in agent.account_feed.charts.minutes(each, first, end) if bar.opened_at in wanted]
    if bars:
        StoreSink(agent.store, agent.dhan.source).bars(bars, {each.key: each})
    return Filled(instrument=each.name, on=on, asked=len(absent), filled=len(bars))
