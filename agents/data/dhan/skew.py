"""How far this machine's clock is from the broker's, as the Date header of an answer tells it."""

from datetime import datetime, timedelta
from typing import Final

_HEADER_STEP: Final = timedelta(seconds=1)


def clock_skew(served_at: datetime, before: datetime, after: datetime) -> float:
    """Return by how many seconds this machine's clock is ahead of the broker's at least; behind is negative.

    The header has whole seconds, and the answer was made at some moment between question and arrival, so that the
    difference is only known to lie within a range: 0 where that holds 0, otherwise the end that is nearer to it.

    Parameters
    ----------
    served_at : datetime
        The header, aware.
    before, after : datetime
        This machine's clock when the question went out and when the answer was there, aware.
    """
    most, least = after - served_at, before - served_at - _HEADER_STEP
    return max(least, min(most, timedelta(0))).total_seconds()
