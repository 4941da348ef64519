"""Messages that come every session: a sign of life before it opens and after it has closed, and what the day was."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from agents.data.ledger import Ledger, Severity
from agents.data.ledger.ledger import CYCLE
from agents.data.metrics import MetricReader
from agents.domain.market import Session
from agents.domain.orders import Trade
from agents.domain.values import IST, Frozen, grouped
from agents.ports import Calendar

BEFORE_OPEN: Final = timedelta(minutes=5)
AFTER_CLOSE: Final = timedelta(minutes=15)
_ONCE: Final = timedelta(days=30)
_LIMIT_METRIC: Final = "risk_limit_utilisation"
Trades = Callable[[date], Sequence[Trade]]


class DayReport(Frozen):
    """What a session came to. `skips` counts cycles by reason, `limits` are used shares of the risk limits."""

    on: date
    trades: int
    won: int
    net: Decimal
    costs: Decimal
    cycles: int
    skips: Mapping[str, int]
    limits: Mapping[str, float]

    def text(self) -> str:
        """Return it as a message."""
        result = f"net {grouped(self.net)} rupees after {grouped(self.costs)} of costs"
        lines = [
            f"session {self.on}: {self.trades} trades, {self.won} won, {result}",
            f"cycles: {self.cycles}" + "".join(f", {count} {reason}" for reason, count in self.skips.items()),
        ]
        if self.limits:
            used = ", ".join(f"{name} {share:.0%}" for name, share in self.limits.items())
            lines.append(f"limits used: {used}")
        return "\n".join(lines)


def day_report(ledger: Ledger, session: Session, trades: Sequence[Trade], metrics: MetricReader) -> DayReport:
    """Return what a session came to.

    Parameters
    ----------
    ledger : Ledger
        Has the records of the cycles.
    session : Session
        The session.
    trades : sequence of Trade
        Closed in it.
    metrics : MetricReader
        Has the use of the risk limits.

    Raises
    ------
    TradingError
        If the ledger or the measurements cannot be read.
    """
    cycles = [event.payload for event in ledger.events(CYCLE, since=session.open_at) if event.at <= _end(session)]
    skips = Counter(str(cycle["reason"]) for cycle in cycles if cycle["decision"] != "trade")
    limits = {dict(series.labels)["limit"]: series.last for series in metrics.series() if series.name == _LIMIT_METRIC}
    return DayReport(
        on=session.on,
        trades=len(trades),
        won=sum(trade.net > 0 for trade in trades),
        net=sum((trade.net for trade in trades), Decimal(0)),
        costs=sum((trade.costs for trade in trades), Decimal(0)),
        cycles=len(cycles),
        skips=dict(skips.most_common()),
        limits=limits,
    )


class DailyMessages:
    """Puts each message of a session into the outbox once, whoever asks and how often.

    Parameters
    ----------
    ledger : Ledger
        Its outbox takes the messages.
    calendar : Calendar
        When the exchange trades.
    metrics : MetricReader
        Has the use of the risk limits.
    trades : callable
        Returns the trades that were closed on a date.
    """

    def __init__(self, ledger: Ledger, calendar: Calendar, metrics: MetricReader, trades: Trades) -> None:
        self._ledger = ledger
        self._calendar = calendar
        self._metrics = metrics
        self._trades = trades
        self._done: set[str] = set()

    def step(self, now: datetime) -> None:
        """Put what is due at a moment of the market. Raises `TradingError` if the ledger cannot be used."""
        session = self._calendar.session(now.astimezone(IST).date())
        if session is None:
            return
        if session.open_at - BEFORE_OPEN <= now < session.close_at:
            self._put(f"heartbeat:{session.on}:open", lambda: f"alive before session {session.on}: {self._standing()}")
        elif now >= _end(session):
            self._put(f"heartbeat:{session.on}:close", lambda: f"alive after session {session.on}: {self._standing()}")
            self._put(f"summary:{session.on}", lambda: self._report(session).text())

    def _put(self, key: str, text: Callable[[], str]) -> None:
        if key not in self._done:
            self._ledger.outbox.put(Severity.INFO, key, text(), suppress=_ONCE)
            self._done = {each for each in self._done if key.partition(":")[2][:10] in each} | {key}

    def _standing(self) -> str:
        return f"the desk is {self._ledger.desk_state().value}, equity {grouped(self._ledger.equity())} rupees"

    def _report(self, session: Session) -> DayReport:
        return day_report(self._ledger, session, self._trades(session.on), self._metrics)


def _end(session: Session) -> datetime:
    return max(session.close_at, session.derivatives_close_at) + AFTER_CLOSE
