"""What surrounds a trade besides the account: how fresh, how fair, how dear; what nobody knows is None."""

import math
from dataclasses import dataclass, fields

from agents.domain.cycle import DeskState
from agents.execution.risk.limits import Freshness


@dataclass(frozen=True)
class Track:
    """How earlier setups of this judge ended: how many, and a cautious chance of the target coming first.

    `judged` counts all of a real market that were filled, also those it would not have taken; `skill_low` is what is
    shown of its skill over no model, None before there are enough.
    """

    outcomes: int
    p_low: float
    judged: int = 0
    skill_low: float | None = None


@dataclass(frozen=True)
class Outside:
    """What whoever sends knows besides prices and book; see the fields of the same names in `Conditions`."""

    state: DeskState = DeskState.ACTIVE
    halted: str = ""
    clock_skew: float | None = None
    account: str = ""
    expected_account: str = ""
    address: str = ""
    mode: str = ""
    requests_second: int | None = None
    requests_day: int | None = None


@dataclass(frozen=True)
class Conditions:
    """The market and the desk at the moment of a decision. Ages in seconds of market time, prices in rupees.

    Attributes
    ----------
    freshness : Freshness or None
        The ages that hold here; None where a recording is traded, whose data cannot be older than it is.
    speed : int
        Market seconds per second: what takes wall time may be as many times older.
    index_age, quote_age, chain_age, zones_age, clock_skew : float or None
        Of the data that the decision rests on.
    fair, last, middle : float or None
        The contract's value by its neighbours, its last price, and the middle of bid and ask.
    spread : float or None
        Ask less bid.
    index_move : float or None
        By which share the index has moved since the setup was made.
    reference : float or None
        What the exchange's price band is laid around: the contract's mean traded price.
    lower_circuit, upper_circuit : float or None
        The contract's band of the day.
    depth : int or None
        Units on offer in the visible book.
    state, halted : DeskState, str
        What the desk may do, and why it may not; an unreadable one is HALTED.
    account, expected_account : str
        Whose account the order goes to, and whose it should be; "" where there is only one.
    address, mode : str
        Why orders are not taken from this machine, and why this mode may not send any; "" where nothing is wrong.
    requests_second, requests_day : int or None
        Order requests in the last second and today.
    event, event_factor : str, float or None
        What makes this a special day, with the share of the usual size; None where no calendar was asked.
    vix : float or None
        India VIX.
    track : Track or None
        The judge's record so far.
    to_prove : int
        Outcomes that its record must have before real money follows it; 0 where none does.
    """

    freshness: Freshness | None = None
    speed: int = 1
    index_age: float | None = None
    quote_age: float | None = None
    chain_age: float | None = None
    zones_age: float | None = None
    clock_skew: float | None = None
    fair: float | None = None
    last: float | None = None
    middle: float | None = None
    spread: float | None = None
    index_move: float | None = None
    reference: float | None = None
    lower_circuit: float | None = None
    upper_circuit: float | None = None
    depth: int | None = None
    state: DeskState = DeskState.ACTIVE
    halted: str = ""
    account: str = ""
    expected_account: str = ""
    address: str = ""
    mode: str = ""
    requests_second: int | None = None
    requests_day: int | None = None
    event: str = ""
    event_factor: float | None = None
    vix: float | None = None
    track: Track | None = None
    to_prove: int = 0

    def unsound(self) -> list[str]:
        """Return the names of figures that are not numbers."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.track is not None:
            values |= {"p_low": self.track.p_low, "skill_low": self.track.skill_low}
        return [name for name, value in values.items() if isinstance(value, float) and not math.isfinite(value)]
