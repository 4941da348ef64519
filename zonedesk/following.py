"""What the paper desk's feed follows: the index, its near future, and the options around the money as it moves."""

import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from agents.data.agent import DataCollectionAgent
from agents.data.contracts import expiry_at
from agents.data.dhan.master import InstrumentMaster
from agents.data.feed.packets import FeedKey
from agents.data.feed.thread import FeedThread
from agents.data.fill import fill_minutes
from agents.data.names import contract_name
from agents.domain.errors import DataError, MissingDataError
from agents.domain.values import IST

STRIKES_EACH_SIDE = 6
SOON_OVER = timedelta(hours=8)  # on its last day, the expiry after it is followed too
CHAIN_EVERY = timedelta(seconds=200)  # where nothing else has recorded a chain for so long, the feed does
SNAPSHOT_SESSIONS = 3

_log = logging.getLogger(__name__)


class Following:
    """Keeps the subscriptions of a running feed level with the market; asked every second or so.

    Parameters
    ----------
    agent : DataCollectionAgent
        Knows names, expiries and chains.
    feed : FeedThread
        The running feed.
    linear : sequence of str
        The index and its near future.
    """

    def __init__(self, agent: DataCollectionAgent, feed: FeedThread, linear: Sequence[str]) -> None:
        self._agent = agent
        self._feed = feed
        self._linear = list(linear)
        self._on: date | None = None
        self._keys: dict[str, FeedKey] = {}
        self._chain_at: datetime | None = None

    @property
    def instruments(self) -> int:
        """How many are subscribed."""
        return len(self._keys)

    def step(self) -> None:
        """Do what is due: the day's subscriptions, the options around the money, a chain.

        Raises
        ------
        TradingError
            If the exchange does not answer, or lists something else than expected.
        """
        now = self._agent.clock.now()
        on = now.astimezone(IST).date()
        if on != self._on:
            self._begin_day(on)
        self._follow([*self._linear, *self._near_options(now)])
        self._record_chain(now)

    def _begin_day(self, on: date) -> None:
        """Bring in what the day before still lacks, and follow the day's own contracts."""
        self._fill_before(on)
        found = self._agent.account_feed.instruments(self._linear)
        gone = [key for name, key in self._keys.items() if key not in {each.key for each in found}]
        self._feed.subscribe(found)
        self._feed.unsubscribe(gone)
        self._keys = {each.name: each.key for each in found}
        self._on = on
        self._forget_snapshots(on)

    def _fill_before(self, on: date) -> None:
        """Fill the sessions since the store's last complete one: the feed may have been away over a close."""
        store = self._agent.store
        if not store.exists:
            return
        sql = "select max(session) from candles where instrument = ? and minutes = 1 and session < ?"
        last = store.rows(sql, [self._linear[0], on])[0][0]
        if last is None:
            return
        for session in self._agent.calendar.sessions(last, on - timedelta(days=1)):
            for filled in fill_minutes(self._agent, self._linear, session.on, session.derivatives_close_at):
                _log.info("%s of %s: %d minutes filled", filled.instrument, filled.on, filled.filled)

    def _forget_snapshots(self, on: date) -> None:
        """Drop the quotes of long ago, second by second: a simulated market that runs for days would fill the disk."""
        days = self._agent.calendar.days(on - timedelta(days=30), on)[-SNAPSHOT_SESSIONS:]
        with self._agent.store.write() as connection:
            connection.execute(
                "delete from quote_snapshots where taken_at < ?",
                [datetime(days[0].year, days[0].month, days[0].day, tzinfo=IST)],
            )

    def _near_options(self, now: datetime) -> list[str]:
        """Return the options around the money that are not followed yet."""
        index = self._linear[0]
        try:
            spot = self._feed.latest.quote(index, now).ltp
        except MissingDataError:
            return []  # the feed has not shown the index yet
        master = self._agent.master(now)
        live = [on for on in master.expiries(index) if expiry_at(on) > now]
        followed = [on for number, on in enumerate(live[:2]) if number == 0 or expiry_at(live[0]) - now < SOON_OVER]
        names = [name for expiry_on in followed for name in _around(master, index, expiry_on, spot)]
        return [name for name in names if name not in self._keys]

    def _follow(self, names: Sequence[str]) -> None:
        fresh = [name for name in names if name not in self._keys]
        if fresh:
            found = self._agent.account_feed.instruments(fresh)
            self._feed.subscribe(found)
            self._keys |= {each.name: each.key for each in found}

    def _record_chain(self, now: datetime) -> None:
        """Record a chain where nobody else has for some minutes of an open session."""
        session = self._agent.calendar.session(now.astimezone(IST).date())
        if session is None or not session.is_open(now) or not self._keys:
            return
        if self._chain_at is None or now - self._chain_at >= CHAIN_EVERY:
            self._chain_at = self._last_chain()
        if self._chain_at is None or now - self._chain_at >= CHAIN_EVERY:
            self._chain_at = now
            index = self._linear[0]
            live = self._agent.expiries(index)
            for expiry_on in live[: 2 if expiry_at(live[0]) - now < SOON_OVER else 1]:
                try:
                    self._agent.snapshot_chain(index, expiry_on)
                except DataError as error:
                    _log.warning("no chain of %s %s: %s", index, expiry_on, error)

    def _last_chain(self) -> datetime | None:
        sql = "select max(quoted_at) from option_quotes where underlying = ?"
        found: datetime | None = self._agent.store.rows(sql, [self._linear[0]])[0][0]
        return found


def _around(master: InstrumentMaster, index: str, expiry_on: date, spot: Decimal) -> list[str]:
    """Return the names of the options of one expiry whose strikes lie nearest to the money."""
    options = [each for each in master.listings if each.kind == "option" and each.underlying == index]
    found = [
        (each.strike, each.option_type)
        for each in options
        if each.expiry_on == expiry_on and each.strike is not None and each.option_type is not None
    ]
    near = sorted({strike for strike, _ in found}, key=_distance(spot))[: 2 * STRIKES_EACH_SIDE + 1]
    return [contract_name(index, expiry_on, strike, right) for strike, right in found if strike in near]


def _distance(spot: Decimal) -> Callable[[Decimal], Decimal]:
    return lambda strike: abs(strike - spot)
