"""Today's counters beside the limits in force: how much of each is used, and how much is left."""

from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from agents.domain.limits import LimitName
from agents.domain.values import IST
from agents.settings import Settings
from ui.cards import Card, cards
from ui.format import inr
from ui.profit import of_day
from ui.snapshot import Picture
from ui.trading import Order

NEAR = 0.8
ZERO = Decimal(0)


class Used(NamedTuple):
    """How much of a limit is used, in rupees, or in trades where `counted`."""

    name: str
    used: float
    limit: float
    counted: bool = False

    @property
    def share(self) -> float:
        """Of the limit; a limit of nothing is used up by anything, and by nothing too."""
        return self.used / self.limit if self.limit > 0 else 1.0


def used_today(seen: Picture, settings: Settings) -> list[Used]:
    """Return today's counters beside the limits that the guardian says, before it does those that are set."""
    equity = float(settings.equity)
    limits = {name: seen.desk.limits.get(name.value, getattr(settings, name.value, None)) for name in LimitName}

    today = seen.market.now.astimezone(IST).date()
    orders, held = seen.desk.orders, [order for order in seen.desk.orders if order.held]
    entries = sum(1 for one in orders if one.bought and one.placed_at.astimezone(IST).date() == today)
    lost = max(0.0, -float(of_day(orders, today, seen.market.prices).value))
    risks, premiums = [_risk(order) for order in held], [_premium(order) for order in held]
    shares = {
        LimitName.DAILY_LOSS_SHARE: ("Lost today", lost),
        LimitName.RISK_PER_TRADE: ("Most at risk, at one stop", max(risks, default=0.0)),
        LimitName.PREMIUM_SHARE: ("Premium of one position", max(premiums, default=0.0)),
        LimitName.OPEN_PREMIUM_SHARE: ("Premium of all positions", sum(premiums)),
    }
    most = limits[LimitName.MAX_TRADES]
    found = [Used("Entries today", entries, float(most), counted=True)] if most is not None else []
    return found + [
        Used(words, used, equity * float(share))
        for name, (words, used) in shares.items()
        if (share := limits[name]) is not None
    ]


def limit_cards(seen: Picture, settings: Settings) -> str:
    """Return today's counters beside their limits."""
    return cards([_card(one) for one in used_today(seen, settings)])


def tally(seen: Picture) -> str:
    """Return how today's decisions that are shown ended, and what stood in the way most often."""
    today = seen.market.now.astimezone(IST).date()
    shown = [one for one in seen.market.cycles if one.at.astimezone(IST).date() == today]
    if not shown:
        return ""
    ended = Counter(one.decision for one in shown).most_common()
    last = f"last {len(shown)} decisions" if len(shown) > 1 else "last decision"
    words = ", ".join(f"{count} {name}{'s' if count != 1 else ''}" for name, count in ended)
    reasons = Counter(one.reason for one in shown if one.decision == "skip").most_common(1)
    often = f"; most often: {reasons[0][0]} ({reasons[0][1]} times)" if reasons and len(shown) > 1 else ""
    return f"Today's {last}: {words}{often}."


def _card(one: Used) -> Card:
    used, limit = (f"{value:.0f}" if one.counted else inr(value) for value in (one.used, one.limit))
    reached, near = one.share >= 1, one.share >= NEAR
    mark, kind = ("■ ", "zd-down") if reached else ("▲ ", "zd-warn") if near else ("", "")
    share = "reached" if reached else f"{one.share:.0%} used"
    return Card(one.name, f"{mark}{used}", f"of {limit}, {share}", kind)


def _risk(order: Order) -> float:
    """Return what a position loses from its average price to its stop, 0 where the stop has passed the price paid."""
    return float(max((order.spent / order.bought - order.stop) * order.held, ZERO))


def _premium(order: Order) -> float:
    return float(order.spent / order.bought * order.held)
