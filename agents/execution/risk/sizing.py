"""How many lots: the least of what each rule allows, in whole lots, never rounded up."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from agents.domain.checks import Check
from agents.domain.orders import TradeSetup
from agents.execution.risk.account import Account
from agents.execution.risk.conditions import Conditions
from agents.execution.risk.limits import Limits
from agents.execution.risk.question import Question, shrunk, unknown, verdict

STOP_SLIP_RUPEES = Decimal(1)


@dataclass(frozen=True)
class Cap:
    """What one rule allows: so many lots; its `limit` in its own unit, of which a lot takes `each`."""

    rule: str
    lots: int
    limit: Decimal
    each: Decimal
    text: str

    def check(self, lots: int) -> Check:
        """Return the check of a trade of so many lots."""
        return verdict(self.rule, self.each * lots, self.limit, self.text, passes=lots <= self.lots)


def affordable_lots(budget: Decimal, stop_distance: Decimal, lot_size: int, costs: Decimal = Decimal(0)) -> int:
    """Return the whole lots whose loss at the stop fits the budget, never rounded up.

    Parameters
    ----------
    budget : Decimal
        Rupees that may be lost.
    stop_distance : Decimal
        Rupees of premium from entry to stop; one rupee of slippage is added.
    lot_size : int
        Units in a lot.
    costs : Decimal
        Rupees for each lot.

    Raises
    ------
    ValueError
        If a lot would lose nothing: the stop is not below the entry.
    """
    loss = _loss_of_a_lot(stop_distance, lot_size, costs)
    return max(0, int((budget / loss).to_integral_value(ROUND_FLOOR)))


def size(setup: TradeSetup, account: Account, limits: Limits, conditions: Conditions | None = None) -> int:
    """Return the lots to buy under R1 to R4, the halving of R5 and the special days of R13; 0 when not one fits."""
    if not account.is_sound or (conditions is not None and conditions.unsound()):
        return 0
    return min(cap.lots for cap in caps(setup, account, limits, conditions or Conditions()))


def caps(setup: TradeSetup, account: Account, limits: Limits, conditions: Conditions) -> Iterator[Cap]:
    """Yield what each rule allows."""
    equity, lot = account.equity, setup.lot_size
    loss = _loss_of_a_lot(setup.premium_entry - setup.premium_stop, lot, setup.costs_per_unit * lot)
    factor = Decimal(1)
    for share, _ in reductions(account, limits, conditions):
        factor *= Decimal(str(share))
    yield _cap(
        "R1.risk", equity * _share(limits.risk_per_trade) * factor, loss, "the stop would lose more than allowed"
    )
    premium = setup.premium_entry * lot
    yield _cap("R2.premium", equity * _share(limits.premium_share), premium, "the premium is too large for one trade")
    room = max(Decimal(0), equity * _share(limits.open_premium_share) - account.open_premium)
    yield _cap("R2.open_premium", room, premium, "too much premium would be open")
    frozen = Decimal(limits.freeze_quantity)
    yield _cap("R3.freeze", frozen, Decimal(lot), "the exchange takes no order of this quantity")
    if conditions.depth is not None:
        visible = conditions.depth * _share(limits.depth_share)
        yield _cap("R3.depth", visible, Decimal(lot), "the order is too large for what is on offer")
    kelly = _kelly(setup, limits, conditions)
    if kelly is not None:
        yield _cap("R4.kelly", equity * kelly, loss, "the judge's record does not carry this size")


def size_rules(question: Question) -> Iterator[Check]:
    """R1 to R4: the size is within what each rule allows."""
    setup, account, limits, conditions = question.setup, question.account, question.limits, question.conditions
    for cap in caps(setup, account, limits, conditions):
        yield cap.check(question.lots)
    if conditions.depth is None:
        yield unknown("R3.depth", "the source shows no depth")
    if _kelly(setup, limits, conditions) is None:
        count = conditions.track.outcomes if conditions.track else 0
        yield unknown("R4.kelly", f"off: {count} of {limits.kelly_outcomes} outcomes are known")
    for _, check in reductions(account, limits, conditions):
        yield check


def reductions(account: Account, limits: Limits, conditions: Conditions) -> Iterator[tuple[float, Check]]:
    """Yield what makes a trade smaller: the share of the usual risk that is left, and why."""
    half_at = account.equity * _share(limits.half_size_share)
    if account.realised <= -half_at:
        text = "the session has lost enough to halve the size"
        yield 0.5, shrunk("R5.half", -account.realised, half_at, text)
    if conditions.event_factor is not None and 0 < conditions.event_factor < 1:
        text = f"{conditions.event}: {conditions.event_factor:.0%} of the usual size"
        yield conditions.event_factor, shrunk("R13.event", conditions.event_factor, 1.0, text)
    if conditions.vix is not None and conditions.vix > limits.vix and limits.vix_factor > 0:
        text = f"India VIX is high: {limits.vix_factor:.0%} of the usual size"
        yield limits.vix_factor, shrunk("R13.vix", conditions.vix, limits.vix, text)


def _kelly(setup: TradeSetup, limits: Limits, conditions: Conditions) -> Decimal | None:
    """Return the share of equity that a fraction of Kelly's rule would risk, None before enough outcomes are known."""
    track, ratio = conditions.track, setup.risk_reward
    if track is None or track.outcomes < limits.kelly_outcomes:
        return None
    if ratio <= 0:
        return Decimal(0)
    edge = (track.p_low * ratio - (1.0 - track.p_low)) / ratio
    return _share(limits.kelly_fraction * max(0.0, edge))


def _cap(rule: str, limit: Decimal, each: Decimal, text: str) -> Cap:
    return Cap(rule, max(0, int((limit / each).to_integral_value(ROUND_FLOOR))), limit, each, text)


def _loss_of_a_lot(stop_distance: Decimal, lot_size: int, costs: Decimal) -> Decimal:
    loss = lot_size * (stop_distance + STOP_SLIP_RUPEES) + costs
    if loss <= 0:
        raise ValueError(f"a lot cannot lose {loss} rupees; the stop must lie below the entry")
    return loss


def _share(number: float) -> Decimal:
    return Decimal(str(number))
