"""Circuit breakers as people see them: an alert when one opens and when it closes, and a measurement all the time.

`dhan_data` keeps reads of market data away from a broker that does not answer. `dhan_orders` keeps entries away. What
protects a position asks neither: an exit is tried however often the broker has failed.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from agents.data.ledger import Ledger, Severity
from agents.data.ledger.breaker import BreakerState
from agents.domain.calls import Permit
from agents.domain.errors import BrokerUnavailableError, OrderRejectedError, OrderUnknownError, TradingError
from agents.ports import Breaker, Metrics

DHAN_DATA: Final = "dhan_data"
DHAN_ORDERS: Final = "dhan_orders"
TOO_LONG: Final = timedelta(minutes=5)
_STATE_METRIC: Final = "breaker_state"
_REMIND: Final = timedelta(minutes=15)
_log = logging.getLogger(__name__)


@contextmanager
def entry_through(breaker: Breaker) -> Iterator[None]:
    """Send one entry inside, if the breaker lets it through, and tell it how that ended. Never for an exit.

    An order that was refused is an answer; one of which nothing is known is a failure. A breaker that cannot be read
    keeps the entry back, and one that cannot be told changes nothing about what was sent.

    Raises
    ------
    OrderRejectedError
        If the breaker is open or cannot be read: nothing was sent.
    """
    try:
        permit = breaker.enter()
    except TradingError as error:
        raise OrderRejectedError(f"the entry was not sent: the breaker of orders cannot be read: {error}") from error
    if permit is None:
        raise OrderRejectedError(
            "the entry was not sent: orders failed several times in a row; wait until the breaker dhan_orders closes"
        )
    try:
        yield
    except (OrderUnknownError, BrokerUnavailableError):
        _tell(breaker.failed, permit)
        raise
    except OrderRejectedError:
        _tell(breaker.succeeded, permit)
        raise
    _tell(breaker.succeeded, permit)


def _tell(say: Callable[[Permit], None], permit: Permit) -> None:
    try:
        say(permit)
    except TradingError as error:
        _log.warning("the breaker %s could not be told how an entry ended: %s", permit.name, error)


class BreakerWatch:
    """Tells of every breaker that opens or closes, and loudly of one that stays open while a position is held.

    Parameters
    ----------
    ledger : Ledger
        Has the breakers and takes the alerts.
    metrics : Metrics
        Told the state of each.
    now : callable
        Returns the machine's present, aware.
    holding : callable
        Whether a position is open.
    """

    def __init__(
        self, ledger: Ledger, metrics: Metrics, now: Callable[[], datetime], holding: Callable[[], bool]
    ) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._now = now
        self._holding = holding
        self._open: dict[str, datetime] = {}
        self._reminded: dict[str, datetime] = {}

    def step(self) -> Sequence[BreakerState]:
        """Look once, and return the breakers. Raises `TradingError` if the ledger cannot be used."""
        states = self._ledger.breakers()
        for state in states:
            self._metrics.record(_STATE_METRIC, float(state.is_open), name=state.name)
            if state.is_open:
                self._tell_open(state)
            elif self._open.pop(state.name, None) is not None:
                self._reminded.pop(state.name, None)
                self._put(Severity.INFO, f"breaker closed:{state.name}", f"{state.name} answers again")
        return states

    def _tell_open(self, state: BreakerState) -> None:
        now = self._now()
        if state.name not in self._open:
            self._open[state.name] = now
            text = f"{state.name} failed {state.failures} times in a row and is left alone, with one try a minute"
            self._put(Severity.WARN, f"breaker open:{state.name}", text)
        since, last = self._open[state.name], self._reminded.get(state.name)
        if now - since > TOO_LONG and (last is None or now - last >= _REMIND) and self._holding():
            self._reminded[state.name] = now
            minutes = (now - since).total_seconds() / 60
            text = (
                f"{state.name} has not answered for {minutes:.0f} minutes while a position is open; look at the broker"
            )
            self._put(Severity.CRITICAL, f"breaker stays open:{state.name}", text)

    def _put(self, severity: Severity, key: str, text: str) -> None:
        self._ledger.outbox.put(severity, key, text)
