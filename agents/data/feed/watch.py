"""How old the feed may be, by the time of the trades that it names and not by when they arrived."""

from datetime import datetime, timedelta

from agents.domain.market import Session
from agents.domain.values import IST
from agents.ports import Calendar


class Watch:
    """The limits of the feed's age, by the market's clock.

    Parameters
    ----------
    calendar : Calendar
        Outside its sessions silence is no fault.
    stale_after : timedelta
        Older than this, the feed counts as stale.
    leave_after : timedelta
        Older than this, the connection is given up for another.
    ahead : timedelta
        A trade further in the future than this is not believed; clocks differ, but not by more.
    """

    def __init__(
        self,
        calendar: Calendar,
        *,
        stale_after: timedelta = timedelta(seconds=5),
        leave_after: timedelta = timedelta(seconds=15),
        ahead: timedelta = timedelta(seconds=120),
    ) -> None:
        self._calendar = calendar
        self.stale_after = stale_after
        self.leave_after = leave_after
        self.ahead = ahead

    def expects(self, now: datetime, *, derivatives: bool) -> bool:
        """Whether trades must be coming: the session has been open for `stale_after` at least.

        Parameters
        ----------
        now : datetime
            The market's present.
        derivatives : bool
            Whether any future or option is subscribed; an index alone stands still in the closing auction.
        """
        session = self._calendar.session(now.astimezone(IST).date())
        return session is not None and any(
            opens + self.stale_after <= now < closes for opens, closes in _spans(session, derivatives=derivatives)
        )


def _spans(session: Session, *, derivatives: bool) -> list[tuple[datetime, datetime]]:
    spans = [(segment.open_at, segment.close_at) for segment in session.segments]
    last = session.derivatives_close_at if derivatives else session.index_frozen_from or session.close_at
    return [*spans[:-1], (spans[-1][0], last)]
