"""Each session's constant-maturity volatility, kept so that a day can be told from a year of days."""

from datetime import date
from typing import TYPE_CHECKING

from agents.data.store import Store
from agents.data.tables import insert_arrow
from agents.domain.chain import DailyIv

if TYPE_CHECKING:
    import pyarrow as pa

MOST_DAYS = 252
_KEY = ("underlying", "session", "maturity_days")
_BEFORE = """
    select underlying, session, measured_at, maturity_days, iv, near_expiry_on, far_expiry_on from iv_history
    where underlying = ? and session < ? order by session desc limit ?
"""


class IvHistory:
    """The table ``iv_history`` of a store: one value a session, the first is kept.

    Parameters
    ----------
    store : Store
        Where it lies.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, day: DailyIv, *, source: str) -> bool:
        """Store a day's value; return False, and change nothing, if that session has one.

        Parameters
        ----------
        day : DailyIv
            From `agents.options.daily_iv`.
        source : str
            Where the chains came from: ``simulated:<seed>``, or the name of a feed.
        """
        row = _table(day, source)
        with self._store.write() as connection:
            return bool(insert_arrow(connection, "iv_history", row, stamp=self._store.now(), key=_KEY))

    def days(self, underlying: str, before: date, *, most: int = MOST_DAYS) -> tuple[DailyIv, ...]:
        """Return the last stored days before a session, oldest first.

        Raises
        ------
        MissingDataError
            If there is no store.
        """
        names = ("underlying", "session", "measured_at", "maturity_days", "iv", "near_expiry_on", "far_expiry_on")
        rows = self._store.rows(_BEFORE, [underlying, before, most])
        return tuple(DailyIv(**dict(zip(names, row, strict=True))) for row in reversed(rows))


def _table(day: DailyIv, source: str) -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)

    return pa.table(
        {
            "underlying": pa.array([day.underlying], pa.string()),
            "session": pa.array([day.session], pa.date32()),
            "measured_at": pa.array([day.measured_at], pa.timestamp("us", tz="UTC")),
            "maturity_days": pa.array([day.maturity_days], pa.int32()),
            "iv": pa.array([day.iv], pa.float64()),
            "near_expiry_on": pa.array([day.near_expiry_on], pa.date32()),
            "far_expiry_on": pa.array([day.far_expiry_on], pa.date32()),
            "source": pa.array([source], pa.string()),
        }
    )
