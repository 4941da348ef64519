"""From a zone to a trade setup: levels on the index, a contract, and the same levels in its premium."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from agents.domain.costs import round_trip
from agents.domain.cycle import Candidate
from agents.domain.market import OptionChain, OptionContract
from agents.domain.orders import TradeSetup
from agents.domain.values import IST, Side, content_hash
from agents.domain.zones import Zone
from agents.execution.fills import SLIP_TICKS, STOP_SLIP_TICKS
from agents.execution.risk import affordable_lots
from agents.options import ContractRules, Levels, Market, Outlook, choose

STOP_BUFFER_ATR = Decimal("0.10")
FALLBACK_REWARD = Decimal(2)
SETUP_ID_LENGTH = 10
PAISA = Decimal("0.01")
DIGITS = 4


@dataclass(frozen=True)
class Ground:
    """The zone under the price and what lies around it, in rupees of the index.

    `marks` are levels at which price may pause: the profile's (POC, VAL, VAH, rolling and developing) and the near
    edges of weak zones of the other side. `opposite` are the near edges of its strong zones. `bar_at` is the candle of
    the analysis that the zone was taken from.
    """

    zone: Zone
    price: Decimal
    atr: Decimal
    bar_at: datetime
    marks: tuple[Decimal, ...]
    opposite: tuple[Decimal, ...]


@dataclass(frozen=True)
class Money:
    """What a trade may cost: rupees at risk, rupees for each executed order, and the least reward to risk."""

    budget: Decimal
    brokerage: Decimal
    min_risk_reward: float


@dataclass(frozen=True)
class Proposal:
    """The setup with its contract (None when none passes), whether it pays, and every contract looked at."""

    setup: TradeSetup | None
    contract: OptionContract | None
    pays: bool
    candidates: tuple[Candidate, ...]


def stop_of(ground: Ground) -> Decimal:
    """Return the stop on the index: the zone's far edge and a tenth of an average true range beyond it."""
    buffer = STOP_BUFFER_ATR * ground.atr
    beyond = ground.zone.low - buffer if ground.zone.side is Side.DEMAND else ground.zone.high + buffer
    return beyond.quantize(PAISA)


def targets_of(ground: Ground) -> tuple[Decimal, ...]:
    """Return where price may be expected to stall, nearest first.

    The nearest strong opposite zone ends the list, because price has to be taken for stopped there. Before it come the
    weaker levels, and twice the distance of the stop.
    """
    sign = ground.zone.side.sign
    double = ground.price + FALLBACK_REWARD * (ground.price - stop_of(ground))

    def ahead(levels: Iterable[Decimal]) -> list[Decimal]:
        return sorted((level for level in levels if (level - ground.price) * sign > 0), key=lambda level: level * sign)

    wall = ahead(ground.opposite)[:1]
    open_road = [level for level in ahead((*ground.marks, double)) if not wall or (wall[0] - level) * sign > 0]
    return tuple(dict.fromkeys(level.quantize(PAISA) for level in (*open_road, *wall)))


def propose(
    ground: Ground, chain: OptionChain, market: Market, money: Money, *, now: datetime, rules: ContractRules
) -> Proposal:
    """Return the first setup that pays, going through the targets from the nearest; else the best that does not.

    Parameters
    ----------
    ground : Ground
        The zone and its surroundings, in rupees of the index.
    chain, market : OptionChain, Market
        One expiry as known at `now`, and its forward.
    money : Money
        Risk budget, brokerage and the least reward to risk after costs.
    now : datetime
        Aware.
    rules : ContractRules
        What a contract must show.
    """
    stop = stop_of(ground)
    best: Proposal | None = None
    for target in targets_of(ground):
        levels = Levels(float(ground.price), float(stop), float(target), _probability(ground.zone))
        choice = choose(chain, market, ground.zone.side, levels, now=now, rules=rules)
        if choice.best is None:
            return Proposal(None, None, pays=False, candidates=choice.candidates)
        setup = _setup(ground, choice.best, (stop, target), money, now=now, synthetic=chain.synthetic)
        pays = setup.risk_reward >= money.min_risk_reward
        proposal = Proposal(setup, choice.best.quote.contract, pays=pays, candidates=choice.candidates)
        if pays:
            return proposal
        if best is None or best.setup is None or setup.risk_reward > best.setup.risk_reward:
            best = proposal
    return best or Proposal(None, None, pays=False, candidates=())


def _probability(zone: Zone) -> float:
    return zone.verdict.probability if zone.verdict else zone.confidence


def _setup(
    ground: Ground,
    view: Outlook,
    index_levels: tuple[Decimal, Decimal],
    money: Money,
    *,
    now: datetime,
    synthetic: bool,
) -> TradeSetup:
    contract, half, lot = view.quote.contract, view.half_spread, view.quote.contract.lot_size
    premium = _premiums(view)
    lots = max(1, affordable_lots(money.budget, premium.entry - premium.stop, lot))
    exits = (premium.stop_fill, premium.target)
    costs = _costs_per_unit(premium.entry, exits, lots * lot, now, money.brokerage)
    reward, risk = premium.target - premium.entry - costs, premium.entry - premium.stop_fill + costs
    return TradeSetup(
        setup_id=setup_id(ground, contract.strike, contract.expiry_at),
        zone_id=ground.zone.id,
        instrument=contract.underlying,
        side=ground.zone.side,
        decided_at=now,
        contract=contract.instrument,
        option_type=contract.option_type,
        strike=contract.strike,
        expiry_at=contract.expiry_at,
        lot_size=lot,
        spot=ground.price,
        spot_stop=index_levels[0],
        spot_target=index_levels[1],
        premium_entry=premium.entry,
        premium_stop=premium.stop,
        premium_target=premium.target,
        half_spread=half,
        costs_per_unit=costs,
        risk_reward=round(float(reward / risk), DIGITS) if risk > 0 else 0.0,
        baseline_probability=_baseline(premium, half),
        spread_modelled=view.spread_modelled,
        synthetic=synthetic,
    )


class _Premiums(NamedTuple):
    """The setup's levels in the option's premium, on its ticks; `stop_fill` is what a stop is expected to fetch."""

    entry: Decimal
    stop: Decimal
    target: Decimal
    stop_fill: Decimal


def _premiums(view: Outlook) -> _Premiums:
    tick, half = view.quote.contract.tick_size, view.half_spread
    entry = _to_tick(Decimal(str(round(view.middle, DIGITS))) + half + SLIP_TICKS * tick, tick, up=True)
    stop = max(_to_tick(Decimal(str(round(view.at_stop, DIGITS))), tick), tick)
    target = _to_tick(Decimal(str(round(view.at_target, DIGITS))) - half, tick)
    return _Premiums(entry, stop, target, max(stop - half - STOP_SLIP_TICKS * tick, tick))


def _baseline(premium: _Premiums, half_spread: Decimal) -> float:
    """Return the chance of the target coming first that price would give without any view of the market."""
    gain, loss = premium.target - premium.entry, premium.entry - premium.stop
    chance = (loss - 2 * half_spread) / (gain + loss) if gain + loss > 0 else Decimal(1)
    return round(min(max(float(chance), 0.0), 1.0), DIGITS)


def setup_id(ground: Ground, strike: Decimal, expiry_at: datetime) -> str:
    """Return the setup's identity: zone, side, candle of the analysis, strike and expiry, and nothing else.

    Two runs that see the same signal name it alike, so that it can be ordered only once.
    """
    facts = {
        "zone": ground.zone.id,
        "side": ground.zone.side.value,
        "bar": int(ground.bar_at.timestamp()),
        "strike": f"{strike:.2f}",
        "expiry": expiry_at.astimezone(IST).date().isoformat(),
    }
    return content_hash(facts)[:SETUP_ID_LENGTH]


def _costs_per_unit(
    entry: Decimal, exits: Sequence[Decimal], quantity: int, now: datetime, brokerage: Decimal
) -> Decimal:
    """Return the dearer of the two ways out, for each unit, in rupees to a hundredth of a paisa."""
    on = now.astimezone(IST).date()
    totals = [
        round_trip(bought=entry, sold=max(sold, Decimal(0)), quantity=quantity, on=on, brokerage=brokerage).total
        for sold in exits
    ]
    return (max(totals) / quantity).quantize(Decimal("0.0001"))


def _to_tick(price: Decimal, tick: Decimal, *, up: bool = False) -> Decimal:
    return (price / tick).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * tick
