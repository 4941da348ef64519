"""What the guardian may ask of the broker on behalf of one case.

There is no action that cancels one exit leg, and none that sends a super order: that is the business of a request.
"""

from dataclasses import dataclass
from decimal import Decimal

from agents.execution.guardian.case import Exit


@dataclass(frozen=True)
class CancelEntry:
    """Take back an entry that has bought nothing; its exits go with it."""

    why: str


@dataclass(frozen=True)
class Shrink:
    """End a partly filled entry by making it as large as what it bought; its exits live on."""

    quantity: int
    why: str


@dataclass(frozen=True)
class Park:
    """Move the limit of a partly filled entry out of the market, where the broker will not shrink it."""

    price: Decimal
    why: str


@dataclass(frozen=True)
class Withdraw:
    """Take the whole super order back while something is held, so that a plain exit can follow: the last way out."""

    why: str


@dataclass(frozen=True)
class MoveTarget:
    """Sell by the target leg: its limit goes to `price`, the stop's trigger first to `stop` where it is in the way."""

    price: Decimal
    stop: Decimal | None
    why: str


@dataclass(frozen=True)
class MoveStop:
    """Move the stop's trigger."""

    trigger: Decimal
    why: str


@dataclass(frozen=True)
class Sell:
    """Send one plain exit order for what the setup still holds."""

    quantity: int
    limit: Decimal
    why: str


@dataclass(frozen=True)
class MoveExit:
    """Move the limit of a plain exit that rests."""

    exit: Exit
    limit: Decimal
    why: str


Action = CancelEntry | Shrink | Park | Withdraw | MoveTarget | MoveStop | Sell | MoveExit
