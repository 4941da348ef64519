"""Minutes of the open session that the feed has not brought, asked of the broker's charts before candles are built."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agents.domain.errors import TradingError
from pipelines.resources import Workbench, market_is_simulated
from pipelines.task import Task

if TYPE_CHECKING:
    from agents.data.fill import Filled

_log = logging.getLogger(__name__)


def fill_session(bench: Workbench, task: Task) -> "Sequence[Filled]":
    """Fill what the task's last session lacks, where it is still going on and its market can be asked.

    Whatever the charts cannot give stays missing: a candle is built from what there is, and its window is reported
    where there is nothing.

    Returns
    -------
    sequence of Filled
        One for each instrument that lacked minutes.
    """
    if not (task.is_live and can_be_asked(bench)):
        return []
    from agents.data.fill import fill_minutes  # noqa: PLC0415  (DuckDB and the broker's client load when a run starts)

    futures = bench.settings.futures
    names = [member for name in task.instruments for member in (name, futures.get(name)) if member]
    try:
        return fill_minutes(bench.agent, names, task.sessions[-1].on, task.until)
    except TradingError as error:
        _log.warning("minutes that the feed has not brought stay missing for now: %s", error)
        return []


def can_be_asked(bench: Workbench) -> bool:
    """Whether this mode has a broker: Dhan, or the exchange of a paper desk that was started."""
    mode = bench.settings.mode
    return bench.collector is not None or mode == "live" or (mode == "paper" and market_is_simulated(bench.settings))
