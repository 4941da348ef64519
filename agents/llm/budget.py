"""The day's money for a model: set aside before a question is asked, so that questions under way count too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from agents.ports import CallLog


@dataclass(frozen=True)
class Purse:
    """What is known when money has been set aside: `spent` today in US dollars, and whether there is `enough`."""

    spent: Decimal
    enough: bool


class Budget:
    """One day's money of one kind of question.

    Parameters
    ----------
    calls : CallLog
        Knows what is spent.
    daily : Decimal
        US dollars a day.
    """

    def __init__(self, calls: CallLog, daily: Decimal) -> None:
        self.daily = daily
        self._calls = calls
        self._set_aside = Decimal(0)

    @asynccontextmanager
    async def set_aside(self, dollars: Decimal) -> AsyncIterator[Purse]:
        """Keep the money from others while this is open, and yield whether it is there beside all that is kept.

        Parameters
        ----------
        dollars : Decimal
            What the questions cost at most.

        Raises
        ------
        StoreBusyError, ConfigError
            If the ledger cannot be read.
        """
        self._set_aside += dollars
        try:
            spent = await asyncio.to_thread(self._calls.spent_today)
            yield Purse(spent, spent + self._set_aside <= self.daily)
        finally:
            self._set_aside -= dollars
