"""Orders as the simulated broker keeps them. Prices are whole ticks, quantities units."""

from dataclasses import dataclass

LIVE = frozenset({"TRANSIT", "PENDING", "PART_TRADED", "TRIGGERED"})


@dataclass(frozen=True)
class Terms:
    """What a super order asks for; prices in ticks."""

    contract: str
    quantity: int
    price: int
    target: int
    stop: int

    def __str__(self) -> str:
        return f"{self.quantity} {self.contract} at {self.price}, target {self.target}, stop {self.stop}"


@dataclass
class Leg:
    """An exit of a super order. It sells at `price`; a stop waits for `trigger` first."""

    name: str
    order_id: str
    price: int
    trigger: int = 0
    state: str = "PENDING"
    filled: int = 0
    value: int = 0

    @property
    def live(self) -> bool:
        """Whether it still works in the market."""
        return self.state in LIVE


@dataclass
class Bracket:
    """A super order: an entry, and two exits once the entry has filled.

    `racing` units will be sold a second time, by the other exit, in second `races_at`.
    """

    order_id: str
    correlation_id: str
    contract: str
    quantity: int
    price: int
    target_price: int
    stop_trigger: int
    live_at: int
    visible_at: int
    dies: bool = False
    state: str = "TRANSIT"
    filled: int = 0
    value: int = 0
    message: str = ""
    target: Leg | None = None
    stop: Leg | None = None
    racing: int = 0
    races_at: int = 0

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Return the exits that exist."""
        return tuple(leg for leg in (self.target, self.stop) if leg is not None)

    @property
    def sold(self) -> int:
        """Return what its own exits have sold."""
        return sum(leg.filled for leg in self.legs)

    @property
    def buying(self) -> bool:
        """Whether the entry may still fill."""
        return self.state in {"TRANSIT", "PENDING", "PART_TRADED"}

    @property
    def live(self) -> bool:
        """Whether anything of it still works in the market."""
        return self.buying or any(leg.live for leg in self.legs)


@dataclass
class Plain:
    """A plain order: ours, always a sale, or one that a person or the broker gave (correlation id "NA")."""

    order_id: str
    correlation_id: str
    contract: str
    quantity: int
    price: int
    live_at: int
    visible_at: int
    state: str = "TRANSIT"
    filled: int = 0
    value: int = 0
    message: str = ""
    side: int = -1


@dataclass(frozen=True)
class Deal:
    """A fill: `side` is +1 for a purchase and -1 for a sale; `own` of its units are the setups'."""

    trade_id: str
    order_id: str
    contract: str
    side: int
    quantity: int
    price: int
    at: int
    own: int


@dataclass(frozen=True)
class Race:
    """Both exits of a super order filled: `quantity` units were sold twice in second `at`."""

    correlation_id: str
    contract: str
    quantity: int
    at: int
