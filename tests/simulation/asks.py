"""Whoever asks the guardian for trades: good requests, and what a model gone wrong could make of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from agents.domain.orders import SuperOrder, TradeSetup
from agents.domain.values import OptionType, Side
from agents.execution.guardian.ports import REQUEST, TradeRequest
from tests.agents.execution.verdicts import yes_to
from tests.simulation.book import Terms
from tests.simulation.desk import EQUITY
from tests.simulation.disk import Disk
from tests.simulation.rows import rupees
from tests.simulation.world import Approved, World

LOT = 65
Payload = dict[str, Any]  # Any: whatever JSON can hold
ENTRY_PATIENCE = timedelta(seconds=60)


def request_of(world: World, approved: Approved) -> TradeRequest:
    """Return the request of an approved trade."""
    now, flat = world.true_now(), world.plan.opens_at + timedelta(seconds=world.plan.flat)
    entry, stop, target = rupees(approved.terms.price), rupees(approved.terms.stop), rupees(approved.terms.target)
    kind = OptionType(approved.terms.contract[-2:])
    setup = _setup(approved, now)
    order = SuperOrder(
        correlation_id=approved.correlation_id,
        setup_id=approved.setup_id,
        zone_id=setup.zone_id,
        underlying="NIFTY",
        contract=approved.terms.contract,
        option_type=kind,
        lots=approved.terms.quantity // LOT,
        lot_size=LOT,
        tick_size=Decimal("0.05"),
        entry_limit=entry,
        stop_trigger=stop,
        target_limit=target,
        half_spread=Decimal("0.05"),
        placed_at=now,
        cancel_entry_at=now + ENTRY_PATIENCE,
        flatten_at=flat,
    )
    verdict = yes_to(approved.setup_id)
    return TradeRequest(setup=setup, order=order, verdict=verdict, cycle_id="cycle", equity=EQUITY, asked_at=now)


def _setup(approved: Approved, now: datetime) -> TradeSetup:
    entry, stop, target = rupees(approved.terms.price), rupees(approved.terms.stop), rupees(approved.terms.target)
    kind = OptionType(approved.terms.contract[-2:])
    return TradeSetup(
        setup_id=approved.setup_id,
        zone_id=f"zone-{approved.setup_id}",
        instrument="NIFTY",
        side=Side.DEMAND if kind is OptionType.CE else Side.SUPPLY,
        decided_at=now,
        contract=approved.terms.contract,
        option_type=kind,
        strike=Decimal(24_000),
        expiry_at=now + timedelta(days=1),
        lot_size=LOT,
        spot=Decimal(24_000),
        spot_stop=Decimal(23_950),
        spot_target=Decimal(24_100),
        premium_entry=entry,
        premium_stop=stop,
        premium_target=target,
        half_spread=Decimal("0.05"),
        costs_per_unit=Decimal("0.5"),
        risk_reward=1.5,
        baseline_probability=0.5,
    )


class RequestDesk:
    """Appends requests to the journal as another process does: its writes do not fail here."""

    def __init__(self, world: World, disk: Disk) -> None:
        self._world, self._disk = world, disk
        self._rng: Random = world.rng("garbage")
        self._count = 0
        self._good: list[Payload] = []

    def ask(self, approved: Approved) -> None:
        """Ask for a trade that may be made."""
        self._world.approved[approved.correlation_id] = approved
        payload = request_of(self._world, approved).model_dump(mode="json")
        self._good.append(payload)
        self._world.say(f"desk    asks for {approved}")
        self._disk.write(REQUEST, payload, approved.setup_id, self._world.true_now())

    def rave(self) -> None:
        """Ask for something that must never become an order."""
        self._count += 1
        setup_id = f"bad{self._count:07d}"
        contract, price = "NIFTY26NOV24000CE", self._world.prices["NIFTY26NOV24000CE"].last
        terms = Terms(contract, 2 * LOT, price + 5, price + 60, price - 60)
        absurd = Approved(setup_id, f"A261123{setup_id}01", terms, self._world.second)
        payload = request_of(self._world, absurd).model_dump(mode="json")
        spoil = self._rng.choice(SPOILERS)
        key = spoil(self, payload) or setup_id
        self._world.say(f"desk    raves ({spoil.__name__.strip('_')}) as {key}")
        self._disk.write(REQUEST, payload, key, self._world.true_now())

    def again(self) -> Payload | None:
        """Return a copy of a good request that looks freshly asked, None where there is none yet."""
        if not self._good:
            return None
        fresh = self._world.true_now()
        said = self._rng.choice(self._good)
        order = said["order"] | {
            "cancel_entry_at": (fresh + ENTRY_PATIENCE).isoformat(),
            "placed_at": fresh.isoformat(),
        }
        return said | {"asked_at": fresh.isoformat(), "order": order}


Spoiler = Callable[[RequestDesk, Payload], str | None]
"""Makes a request bad in place; may return the key under which to ask."""


def _skip(_: RequestDesk, payload: Payload) -> None:
    payload["verdict"]["verdict"] = "skip"


def _no_answer(_: RequestDesk, payload: Payload) -> None:
    payload["verdict"]["outcome"] = "timeout"


def _other_verdict(_: RequestDesk, payload: Payload) -> None:
    payload["verdict"]["setup_id"] = "0123456789"


def _other_contract(_: RequestDesk, payload: Payload) -> None:
    payload["order"]["contract"] = "NIFTY26NOV24000PE"


def _other_price(_: RequestDesk, payload: Payload) -> None:
    payload["order"]["entry_limit"] = str(Decimal(payload["order"]["entry_limit"]) * 2)


def _stop_above(_: RequestDesk, payload: Payload) -> None:
    for part, stop, entry in (("order", "stop_trigger", "entry_limit"), ("setup", "premium_stop", "premium_entry")):
        payload[part][stop] = str(Decimal(payload[part][entry]) + 5)


def _off_tick(_: RequestDesk, payload: Payload) -> None:
    payload["order"]["entry_limit"] = payload["setup"]["premium_entry"] = "100.033"


def _expired(desk: RequestDesk, payload: Payload) -> None:
    payload["asked_at"] = (desk._world.true_now() - timedelta(minutes=10)).isoformat()


def _huge(_: RequestDesk, payload: Payload) -> None:
    payload["order"]["lots"] = 900


def _nothing(_: RequestDesk, payload: Payload) -> None:
    payload["order"]["lots"] = 0


def _negative(_: RequestDesk, payload: Payload) -> None:
    payload["order"]["lots"] = -3


def _not_a_number(_: RequestDesk, payload: Payload) -> None:
    payload["order"]["entry_limit"] = payload["setup"]["premium_entry"] = "NaN"


def _hole(_: RequestDesk, payload: Payload) -> None:
    del payload["verdict"]


def _secret(desk: RequestDesk, payload: Payload) -> None:
    payload["verdict"]["note"] = f"use access-token {desk._world.secret}"


def _prose(_: RequestDesk, payload: Payload) -> None:
    payload.clear()
    payload["text"] = "Buy everything, now. Trust me."


def _other_key(desk: RequestDesk, _: Payload) -> str:
    return f"otherkey{desk._count}"


def _second_key(desk: RequestDesk, payload: Payload) -> str | None:
    """The same setup once more under another key."""
    said = desk.again()
    if said is None:
        payload["verdict"]["verdict"] = "skip"
        return None
    payload.update(said)
    return f"{said['setup']['setup_id']}again{desk._count}"


def _used_correlation(desk: RequestDesk, payload: Payload) -> None:
    """A new setup under a correlation id that was used."""
    if desk._world.entries:
        payload["order"]["correlation_id"] = desk._rng.choice(desk._world.entries)[2]
    else:
        payload["verdict"]["verdict"] = "skip"


SPOILERS: tuple[Spoiler, ...] = (
    _skip,
    _no_answer,
    _other_verdict,
    _other_contract,
    _other_price,
    _stop_above,
    _off_tick,
    _expired,
    _huge,
    _nothing,
    _negative,
    _not_a_number,
    _hole,
    _secret,
    _prose,
    _other_key,
    _second_key,
    _used_correlation,
)
