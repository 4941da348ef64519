"""What a run is given: the desk's settings, store, calendar and clock, and the choices of this one run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property
from random import Random
from time import sleep
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from agents.data.calendar import NseCalendar
from agents.domain.errors import ConfigError
from agents.domain.values import IST
from agents.settings import Settings

if TYPE_CHECKING:
    from agents.data.agent import DataCollectionAgent
    from agents.data.ledger import Ledger
    from agents.data.metrics import MetricWriter
    from agents.data.store import Store
    from agents.ports import Clock

CLOCK_FILE = "clock.json"
MAY_WAIT = {"zonedesk/may_wait": "yes"}
"""The tag of runs that leave a place to the next chain and trade cycle; ``dagster.yaml`` limits them."""


def market_is_simulated(settings: Settings) -> bool:
    """Return whether this mode lives in the simulated market; looks for the clock's file and reads nothing."""
    return settings.mode == "paper" and (settings.home / CLOCK_FILE).is_file()


def wall_clock() -> datetime:
    """Return the machine's present: what rows are stamped with, never what a decision is made on."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Workbench:
    """The tools of a run. Each is made when it is first used, because starting a run must be quick.

    Attributes
    ----------
    settings : Settings
        Mode, data folder, instruments.
    pause : callable
        Waits so many seconds.
    present : Clock, optional
        The market's present; the clock of `settings` if left out.
    collector : DataCollectionAgent, optional
        Who asks the broker for data; the one of `settings` if left out.
    """

    settings: Settings
    pause: Callable[[float], None] = field(default=sleep)
    present: "Clock | None" = None
    collector: "DataCollectionAgent | None" = None

    @cached_property
    def calendar(self) -> NseCalendar:
        """When the exchange trades."""
        return NseCalendar()

    @cached_property
    def clock(self) -> "Clock":
        """The market's present."""
        from agents.data.clock import market_clock  # noqa: PLC0415  (NumPy, which no sensor that skips needs)

        return self.present or market_clock(self.settings, self.calendar)

    @cached_property
    def store(self) -> "Store":
        """The DuckDB store of this mode."""
        from agents.bootstrap import open_store  # noqa: PLC0415  (DuckDB, which loading the definitions does not need)

        return open_store(self.settings, now=wall_clock)

    @cached_property
    def ledger(self) -> "Ledger":
        """The ledger of this mode."""
        from agents.bootstrap import open_ledger  # noqa: PLC0415  (as above)

        return open_ledger(self.settings, now=wall_clock)

    @cached_property
    def agent(self) -> "DataCollectionAgent":
        """The data agent: the broker's candles, chains and quotes, into this mode's store."""
        from agents.bootstrap import open_data_agent  # noqa: PLC0415  (the broker's client, as above)

        rng = Random()  # noqa: S311  (spreads repeated requests; nothing secret)
        return self.collector or open_data_agent(
            self.settings,
            now=wall_clock,
            sleep=self.pause,
            jitter=rng.random,
            store=self.store,
            metrics=self.metrics,
            breaker=self.ledger.breaker("dhan_data"),
        )

    @cached_property
    def metrics(self) -> "MetricWriter":
        """Where this mode's measurements go; flush it when a run ends."""
        from agents.data.metrics import MetricWriter  # noqa: PLC0415  (as above)

        return MetricWriter(self.settings.ops_path, wall_clock)

    @property
    def speed(self) -> int:
        """Market seconds per second: 1 unless the market is simulated."""
        return int(getattr(self.clock, "speed", 1))


class JudgeChoice(Enum):
    """Who is asked about zones that have no verdict yet."""

    AUTO = "auto"
    OPENAI = "openai"
    RULES = "rules"
    RECORDED = "recorded"
    NOBODY = "nobody"


class RunScope(dg.ConfigurableResource[None]):
    """What one run may choose. Left alone, it means everything that is configured, as known now."""

    instruments: list[str] = Field(default=[], description="Only these instruments; all configured ones if empty.")
    as_of: str = Field(
        default="",
        description="Compute what was known at this moment, such as 2024-06-05T11:30+05:30; the present if empty.",
    )
    judge: JudgeChoice = Field(
        default=JudgeChoice.AUTO,
        description="Who is asked about zones that have no verdict. AUTO: the configured judge in an open session; in "
        "a past one the rules if they are configured, otherwise nobody (a model may know how the day ended).",
    )
    settle_seconds: float = Field(
        default=10.0, ge=0, le=60, description="How long an open session's last minute may be waited for."
    )

    def chosen(self, configured: Sequence[str]) -> tuple[str, ...]:
        """Return the instruments of this run.

        Raises
        ------
        ConfigError
            If one is asked for that is not configured.
        """
        if unknown := sorted(set(self.instruments) - set(configured)):
            raise ConfigError(f"{', '.join(unknown)} is not configured; add it to ZONEDESK_INSTRUMENTS or leave it out")
        return tuple(self.instruments or configured)

    def moment(self) -> datetime | None:
        """Return `as_of`, IST where it names no zone, None where it is empty.

        Raises
        ------
        ConfigError
            If it is not a time.
        """
        if not self.as_of:
            return None
        try:
            at = datetime.fromisoformat(self.as_of)
        except ValueError as error:
            raise ConfigError(f"as_of is {self.as_of!r}; write it as 2024-06-05T11:30+05:30") from error
        return at if at.tzinfo else at.replace(tzinfo=IST)
