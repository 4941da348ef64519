"""Settings in, a guardian's process out: the only place that picks its adapters."""

import platform
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from agents.data.calendar import NseCalendar
from agents.data.clock import CLOCK_FILE, ClockFile, market_clock
from agents.data.dhan.connect import Dhan, open_dhan
from agents.data.feed.account import AccountKeys, feed_address, updates_address
from agents.data.ledger import Ledger
from agents.data.metrics import watch_calls
from agents.domain.values import IST
from agents.execution.dhan.connect import GatewayParts, gateway_parts
from agents.execution.guardian.ports import Checks, GuardianPorts
from agents.execution.guardian.settings import GuardianSettings
from agents.execution.risk import load_limits
from agents.execution.service.checks import desk_checks
from agents.execution.service.ears import EarPorts, Ears
from agents.execution.service.hold import GuardianHold, holder_name
from agents.execution.service.journal import FencedJournal, FillKeeper
from agents.execution.service.measured import GuardianMeasures
from agents.execution.service.outlets import LedgerControls, MarketTime, OutboxNotifier, confirmed
from agents.execution.service.outside import Insider, of_ledger
from agents.execution.service.prices import GuardianPrices, OnceReader
from agents.execution.service.process import Parts, World
from agents.execution.service.timing import Tune, at_pace
from agents.execution.service.wake import Bell, LedgerWatch
from agents.execution.service.wishes import Wishes
from agents.ops.breakers import DHAN_ORDERS
from agents.ops.unkept import Unkept
from agents.ports import Clock, Metrics, NullMetrics
from agents.settings import Settings

FRESH: Final = 2.0

Wrap = Callable[[GuardianPorts], GuardianPorts]


def assemble(
    settings: Settings,
    ledger: Ledger,
    world: World,
    *,
    checks: Checks | None = None,
    metrics: Metrics | None = None,
    tune: Tune = lambda settings: settings,
    wrap: Wrap = lambda ports: ports,
) -> Parts:
    """Return the guardian's process of these settings: against the paper exchange, or live.

    Parameters
    ----------
    settings : Settings
        Mode, limits, credentials.
    ledger : Ledger
        Of the same mode.
    world : World
        Time and chance.
    checks : Checks, optional
        Other risk rules than the desk's.
    metrics : Metrics, optional
        Told of every request to the broker.
    tune : callable, optional
        Changes the guardian's settings; the last word.
    wrap : callable, optional
        Puts something around the ports.

    Raises
    ------
    ConfigError
        If nothing opens the account, or live trading is not confirmed for today.
    DhanUnavailableError
        If a token is needed and nobody answers.
    """
    calendar, metrics = NseCalendar(), metrics or NullMetrics()
    clock = _clock(settings, calendar)
    dhan, orders = _account(settings, ledger, world, clock, metrics)
    speed, bell = speed_of(settings), Bell()
    ears = Ears(_ear_ports(dhan, clock, calendar, speed, world), bell.ring)
    wire = dhan.reader.wire
    reader = OnceReader(wire.twin((2.0, 5.0)), orders.limiter, sleep=world.sleep, jitter=world.rng.random)
    prices = GuardianPrices(reader, orders.contracts, ears, clock, elapsed=world.monotonic, fresh=FRESH * speed)
    outside = Insider(settings, wire, orders, speed, of_ledger(ledger, settings.home))
    hold = _hold(settings, ledger, world, wire.client_id)
    unkept: deque[Unkept] = deque()
    measures = GuardianMeasures(metrics, world.monotonic)
    journal = FencedJournal(ledger, lambda: hold.lease, measures.hear)
    ports = GuardianPorts(
        gateway=FillKeeper(orders.gateway, journal),
        journal=journal,
        updates=ears.hints,
        quotes=prices,
        controls=LedgerControls(ledger, settings.home),
        lease=hold,
        notifier=OutboxNotifier(ledger, world.monotonic, unkept),
        clock=MarketTime(clock, world.monotonic, speed, boot=world.boot),
        calendar=calendar,
        checks=checks or desk_checks(settings, ledger, speed, lambda: prices, clock=clock, outside=outside),
    )
    path = settings.ledger_path if settings.ledger_url is None else None
    watch = LedgerWatch(ledger, path, world.monotonic)
    tuned = tune(at_pace(guardian_settings(settings, ledger.equity()), speed))
    wishes = Wishes(ledger, load_limits(settings))
    return Parts(ledger, hold, wrap(ports), tuned, ears, prices, watch, bell, wishes, unkept, measures)


def guardian_settings(settings: Settings, equity: Decimal) -> GuardianSettings:
    """Return the guardian's settings that follow from the desk's."""
    limits = load_limits(settings)
    loss = (equity * Decimal(str(limits.flatten_loss_share))).quantize(Decimal(1))
    return GuardianSettings(
        index=settings.instruments[0],
        daily_loss=loss,
        brokerage=settings.brokerage_rupees,
        orders_per_day=limits.requests_per_day,
    )


def speed_of(settings: Settings) -> float:
    """Return how many seconds of the market pass in one: more than one in a simulated market only."""
    path = settings.home / CLOCK_FILE
    if settings.mode == "paper" and path.is_file():
        return float(ClockFile.read(path).speed)
    return 1.0


def _clock(settings: Settings, calendar: NseCalendar) -> Clock:
    """Return the market's clock. Raises `ConfigError` where live trading is not confirmed for its day."""
    clock = market_clock(settings, calendar)
    if settings.mode == "live":
        confirmed(settings.live_confirmed_on, clock.now().astimezone(IST).date())
    return clock


def _account(
    settings: Settings, ledger: Ledger, world: World, clock: Clock, metrics: Metrics
) -> tuple[Dhan, GatewayParts]:
    """Return the account as it is read and the way to its orders; every request of both is counted."""
    observe = watch_calls(metrics, "dhan_orders")
    dhan = open_dhan(settings, wall=world.wall, sleep=world.sleep, jitter=world.rng.random, observe=observe)
    orders = gateway_parts(
        settings,
        dhan,
        clock,
        wall=world.wall,
        sleep=world.sleep,
        observe=observe,
        monotonic=world.monotonic,
        breaker=ledger.breaker(DHAN_ORDERS),
    )
    return dhan, orders


def _hold(settings: Settings, ledger: Ledger, world: World, client_id: str) -> GuardianHold:
    """Return the right to guard an account, for this process on this machine."""
    holder = holder_name(platform.node(), settings.home, world.wall())
    shared = settings.ledger_url is not None
    return GuardianHold(ledger, f"guardian:{client_id}", holder, settings.home / "run", world.monotonic, shared=shared)


def _ear_ports(dhan: Dhan, clock: Clock, calendar: NseCalendar, speed: float, world: World) -> EarPorts:
    address = dhan.reader.wire.address
    return EarPorts(
        feed_address=feed_address(address),
        updates_address=updates_address(address),
        credentials=AccountKeys(dhan),
        clock=clock,
        calendar=calendar,
        speed=speed,
        rng=world.rng,
    )
