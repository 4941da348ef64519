"""What the guardian measures of its orders: how fast the broker takes them, where they fill, what stands unprotected.

It hears each event of the journal once it is durable, and looks at the cases now and then; it never raises.
"""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

from agents.domain.lifecycle import ALIVE, TradeState
from agents.execution.gateway import BrokerState, Leg
from agents.execution.guardian.case import Case
from agents.execution.guardian.ports import GUARDIAN_EVENT, ORDER_EVENT
from agents.ports import Metrics

RECONCILED = "reconciled"
_HANGING = frozenset({BrokerState.TRIGGERED, BrokerState.PART_TRADED})


class GuardianMeasures:
    """Measures one guardian.

    Parameters
    ----------
    metrics : Metrics
        Where measurements go.
    elapsed : callable
        Returns seconds that only grow.
    """

    def __init__(self, metrics: Metrics, elapsed: Callable[[], float]) -> None:
        self._metrics = metrics
        self._elapsed = elapsed
        self._sent_at: dict[str, float] = {}
        self._since: dict[tuple[str, str], float] = {}
        self._measured: set[tuple[str, str]] | None = None

    def hear(self, kind: str, payload: Mapping[str, Any]) -> None:  # Any: whatever JSON can hold
        """Take note of an event that was written."""
        if kind == ORDER_EVENT and payload["was"] != payload["state"]:
            self._moved(payload["setup_id"], payload["was"], payload["state"])
        if kind == GUARDIAN_EVENT and payload.get("what") == RECONCILED and payload["differences"]:
            self._metrics.record("reconcile_mismatch_total", float(len(payload["differences"])))

    def look(self, cases: Collection[Case]) -> None:
        """Measure what is held now, and the fills since the last look; those before the first are not new."""
        self._metrics.record("agent_up", 1.0, agent="guardian")
        alive = [case for case in cases if case.state in ALIVE]
        self._longest("naked_position_seconds", {case.setup_id for case in alive if _is_naked(case)})
        self._longest("stop_triggered_unfilled_seconds", {case.setup_id for case in alive if _stop_hangs(case)})
        fills = {(case.setup_id, what): points for case in cases for what, points in _slippage(case).items()}
        new = set() if self._measured is None else fills.keys() - self._measured
        for fill in sorted(new):
            self._metrics.record("fill_slippage_points", float(fills[fill]))
        self._measured = (self._measured or set()) | fills.keys()

    def _moved(self, setup_id: str, was: str, state: str) -> None:
        if state == TradeState.SENT:
            self._sent_at[setup_id] = self._elapsed()
        elif was == TradeState.SENT:
            sent_at = self._sent_at.pop(setup_id, None)
            if state == TradeState.ACKED and sent_at is not None:
                self._metrics.record("order_ack_seconds", self._elapsed() - sent_at)
        if state == TradeState.UNKNOWN:
            self._metrics.record("order_unknown_total")

    def _longest(self, name: str, setups: Collection[str]) -> None:
        """Record for how long the first of some setups has been so, 0 where there are none."""
        now = self._elapsed()
        self._since = {
            place: began for place, began in self._since.items() if place[0] != name or place[1] in setups
        } | {(name, setup): self._since.get((name, setup), now) for setup in setups}
        self._metrics.record(name, max((now - self._since[name, setup] for setup in setups), default=0.0))


def _is_naked(case: Case) -> bool:
    """Whether units are held that neither a stop nor an exit order would sell."""
    return case.remaining > 0 and not case.leg_is_alive(Leg.STOP) and not any(one.may_sell for one in case.exits)


def _stop_hangs(case: Case) -> bool:
    stop = case.leg(Leg.STOP)
    return stop is not None and stop.state in _HANGING and case.remaining > 0


def _slippage(case: Case) -> Mapping[str, Decimal]:
    """Return how far each part of an order that has filled lies from the price that the order named."""
    found = {}
    if case.bought and case.spent and not case.entry_is_open:
        found["entry"] = abs(case.average - case.order.entry_limit)
    for leg in case.legs:
        named = leg.trigger if leg.leg is Leg.STOP else leg.price
        if leg.filled and leg.average is not None and named is not None:
            found[leg.leg.value] = abs(leg.average - named)
    return found
