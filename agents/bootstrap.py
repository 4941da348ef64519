"""Settings in, adapters out: the only place that picks them.

Each adapter is imported when it is picked: a process that only opens the store need not load the model's client.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agents.domain.errors import ConfigError
from agents.settings import Settings

if TYPE_CHECKING:
    from agents.cycle import Desk
    from agents.data.agent import DataCollectionAgent
    from agents.data.ledger import Ledger
    from agents.data.store import Store
    from agents.domain.evidence import SetupVerdict
    from agents.domain.orders import TradeSetup
    from agents.execution.paper import OrderBook
    from agents.execution.risk import Track
    from agents.llm.calibration import Dice
    from agents.ports import Analyses, Breaker, Broker, Calendar, Clock, Judge, MarketData, Metrics

BREAKER = "model"
Present = Callable[[], datetime]


def open_store(settings: Settings, *, now: Present, create: bool = True) -> "Store":
    """Return the DuckDB store of this mode; `now` stamps rows. Raises as `Store` does."""
    from agents.data.store import Store  # noqa: PLC0415 - see the module

    return Store(settings.store_path, settings.mode, now=now, create=create)


def open_ledger(settings: Settings, *, now: Present) -> "Ledger":
    """Return the ledger of this mode; `now` stamps events. Raises as `Ledger.open` does."""
    from agents.data.ledger import Ledger  # noqa: PLC0415 - see the module

    return Ledger.open(settings.ledger_place, settings.mode, now=now, equity=settings.equity)


def open_data_agent(
    settings: Settings,
    *,
    now: Present,
    sleep: Callable[[float], None],
    jitter: Callable[[], float],
    store: "Store | None" = None,
    metrics: "Metrics | None" = None,
    breaker: "Breaker | None" = None,
) -> "DataCollectionAgent":
    """Return the data agent of this mode, on the market's clock: with the paper exchange, or with Dhan.

    Parameters
    ----------
    settings : Settings
        Mode, addresses, credentials. In paper mode only the paper exchange's own credentials are used.
    now : callable
        Returns the machine's present, aware.
    sleep : callable
        Waits so many seconds.
    jitter : callable
        Returns a random number between 0 and 1.
    store : Store, optional
        Where candles and chains go; the mode's own unless given.
    metrics : Metrics, optional
        Told how long requests take and how they fail.
    breaker : Breaker, optional
        Keeps every process away from a broker that does not answer.

    Raises
    ------
    ConfigError
        If nothing opens the account, or a paper desk would leave this machine.
    DhanUnavailableError
        If a token is needed and nobody answers.
    """
    from agents.data.agent import DataCollectionAgent  # noqa: PLC0415 - see the module
    from agents.data.calendar import NseCalendar  # noqa: PLC0415 - see the module
    from agents.data.chain_memory import ChainMemory  # noqa: PLC0415 - see the module
    from agents.data.clock import market_clock  # noqa: PLC0415 - see the module
    from agents.data.dhan.connect import open_dhan  # noqa: PLC0415 - see the module
    from agents.data.metrics import watch_calls  # noqa: PLC0415 - see the module

    observe = watch_calls(metrics) if metrics is not None else None
    dhan = open_dhan(settings, wall=now, sleep=sleep, jitter=jitter, observe=observe, breaker=breaker)
    calendar = NseCalendar()
    clock = market_clock(settings, calendar)
    watch = ChainMemory(settings.home / "dhan" / "chains.json")
    return DataCollectionAgent(dhan, store or open_store(settings, now=now), calendar, clock, watch)


def make_judge(settings: Settings, ledger: "Ledger", clock: "Clock") -> "Judge":
    """Return who judges under these settings.

    ``auto`` means the rules where no key and no server is set. Where one is, it means the model, except in a replay:
    there it means what the model said when it was asked, and a reply that was never given is an error.

    Raises
    ------
    ConfigError
        If the model is asked for without a key or a server.
    """
    has_model = settings.openai_api_key is not None or settings.openai_base_url is not None
    kind = settings.judge
    if kind == "auto":
        kind = "rules" if not has_model else "recorded" if settings.mode == "replay" else "openai"
    if kind == "rules":
        from agents.llm.rules import RulesJudge  # noqa: PLC0415 - see the module

        return RulesJudge()
    if kind == "recorded":
        from agents.llm.replay import RecordedJudge  # noqa: PLC0415 - see the module

        return RecordedJudge(settings, calls=ledger.calls, clock=clock)
    from agents.llm.judge import OpenAIJudge  # noqa: PLC0415 - see the module

    return OpenAIJudge(settings, calls=ledger.calls, breaker=ledger.breaker(BREAKER), clock=clock)


def make_desk(
    settings: Settings,
    *,
    store: "Store",
    ledger: "Ledger",
    judge: "Judge",
    calendar: "Calendar | None" = None,
    market: "MarketData | None" = None,
    analyses: "Analyses | None" = None,
    book: "OrderBook | None" = None,
    broker: "Broker | None" = None,
    dice: "Dice | None" = None,
) -> "Desk":
    """Return a desk over the store and the ledger of its mode.

    Parameters
    ----------
    settings : Settings
        Mode, limits and thresholds.
    store, ledger, judge
        From `open_store`, `open_ledger` and `make_judge`.
    calendar, market, analyses, book : optional
        Stand-ins for the exchange's calendar, the store's prices and zones, and the ledger's orders: a replay brings
        its own zones, which it computes as it goes, and a book that ends with it.
    broker : Broker, optional
        Who takes orders: from `make_broker` where a guardian owns the account, the broker in this process if left out.
    dice : callable, optional
        Draws the samples that show a judge's skill, which a live desk needs.

    Raises
    ------
    ConfigError
        If the file of limits is wrong, or a live desk has no guardian to ask.
    """
    if settings.mode == "live" and broker is None:
        raise ConfigError("a live desk asks its guardian for trades; give it the broker of `make_broker`")
    from agents.cycle import Desk  # noqa: PLC0415 - see the module
    from agents.data.calendar import NseCalendar  # noqa: PLC0415 - see the module
    from agents.data.findings import StoreAnalyses  # noqa: PLC0415 - see the module
    from agents.data.market import StoreMarket  # noqa: PLC0415 - see the module
    from agents.execution.book import LedgerBook  # noqa: PLC0415 - see the module
    from agents.execution.controls import halt_reason  # noqa: PLC0415 - see the module
    from agents.execution.paper import PaperBroker  # noqa: PLC0415 - see the module
    from agents.execution.risk import load_limits, load_special_days  # noqa: PLC0415 - see the module
    from agents.execution.risk.tightened import tightened  # noqa: PLC0415 - see the module

    limits = tightened(load_limits(settings), ledger)
    dates = calendar or NseCalendar()
    prices = market or StoreMarket(store)
    return Desk(
        settings=settings,
        calendar=dates,
        market=prices,
        analyses=analyses or StoreAnalyses(store),
        judge=judge,
        broker=broker or PaperBroker(prices, book or LedgerBook(ledger), settings.brokerage_rupees),
        ledger=ledger,
        limits=limits,
        days=load_special_days(settings.data_dir, beyond=limits.event_factor),
        halted=lambda: halt_reason(settings.home),
        track=_track_in(ledger, settings, dice),
    )


def _track_in(
    ledger: "Ledger", settings: Settings, dice: "Dice | None"
) -> "Callable[[SetupVerdict, TradeSetup], Track]":
    """Return what tells how setups like one ended before, by this ledger."""
    from agents.execution.record import record_of  # noqa: PLC0415 - see the module

    least, threshold = settings.calibration_outcomes, settings.probability_threshold
    return lambda verdict, setup: record_of(ledger, verdict, setup, threshold=threshold, least=least, dice=dice)


def make_broker(settings: Settings, *, ledger: "Ledger", clock: "Clock", pause: Callable[[float], None]) -> "Broker":
    """Return the broker of a desk whose orders belong to the guardian: it asks through the ledger.

    Parameters
    ----------
    settings : Settings
        Of paper or live mode.
    ledger : Ledger
        That the guardian reads.
    clock : Clock
        The market's present.
    pause : callable
        Waits so many seconds.
    """
    from agents.execution.request import RequestBroker  # noqa: PLC0415 - see the module

    return RequestBroker(ledger, clock, pause, settings.brokerage_rupees)
