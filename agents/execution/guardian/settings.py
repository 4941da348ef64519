"""How patient and how strict the guardian is: its times, steps and limits."""

from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal


@dataclass(frozen=True)
class GuardianSettings:
    """Times in seconds of the stopwatch unless they say otherwise. `daily_loss` and `brokerage` are in rupees.

    `grace` must exceed the longest a request can be under way plus the longest an order can stay invisible; until it
    has passed nothing that may have been sent is taken for absent. `start_block` keeps entries away after a start.
    """

    index: str = "NIFTY 50"
    daily_loss: Decimal = Decimal(15_000)
    brokerage: Decimal = Decimal(20)
    grace: float = 30.0
    query_every: float = 2.0
    look_every: float = 1.0
    watch_every: float = 10.0
    chase_after: float = 3.0
    reprice_every: float = 3.0
    reprice_steps: tuple[Decimal, ...] = (Decimal("0.05"), Decimal("0.10"), Decimal("0.20"))
    band_share: Decimal = Decimal("0.62")
    shrink_tries: int = 2
    lost_patience: float = 3.0
    reconcile_every: float = 60.0
    verify_loss_exit_every: float = 300.0
    start_block: float = 360.0
    first_entry: time = time(9, 30)
    last_entry: time = time(14, 45)
    last_entry_on_expiry: time = time(13, 30)
    request_good_for: timedelta = timedelta(seconds=20)
    clock_step: float = 1.0
    clock_block: float = 60.0
    orders_per_second: int = 2
    orders_per_day: int = 60
    index_entry_age: float = 10.0
    quote_entry_age: float = 10.0
    poll_age: float = 30.0
    break_even_age: float = 60.0
    flatten_age: float = 120.0
    silent_broker_alert: float = 30.0
    orphan_watch_minutes: int = 15
