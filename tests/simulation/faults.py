"""Which faults a session has: each kind is off, low or high, so that every mixture of kinds comes up."""

from dataclasses import dataclass, fields
from random import Random

LEVELS: dict[str, tuple[float, float, float]] = {
    "lost_request": (0.0, 0.05, 0.30),
    "late_request": (0.0, 0.05, 0.30),
    "lost_reply": (0.0, 0.05, 0.30),
    "reject": (0.0, 0.05, 0.30),
    "leg_reject": (0.0, 0.05, 0.30),
    "read_failure": (0.0, 0.05, 0.30),
    "stale_read": (0.0, 0.05, 0.30),
    "visibility_lag": (0.0, 3.0, 10.0),
    "partial_fill": (0.0, 0.20, 0.70),
    "jump": (0.0, 1 / 900, 1 / 150),
    "outage": (0.0, 1 / 1500, 1 / 400),
    "crash": (0.0, 1 / 6000, 1 / 1200),
    "update_loss": (0.0, 0.10, 0.60),
    "update_noise": (0.0, 0.10, 0.50),
    "feed_death": (0.0, 1 / 1500, 1 / 500),
    "clock_step": (0.0, 1 / 2000, 1 / 600),
    "full_disk": (0.0, 1 / 2000, 1 / 600),
    "busy_journal": (0.0, 0.01, 0.10),
    "token_expiry": (0.0, 1 / 4000, 1 / 1500),
    "lease_loss": (0.0, 1 / 4000, 1 / 1500),
    "takeover": (0.0, 1 / 3000, 1 / 1000),
    "garbage": (0.0, 0.15, 0.50),
    "command": (0.0, 1 / 2000, 1 / 500),
    "person_exit": (0.0, 1 / 3000, 1 / 800),
    "person_buy": (0.0, 1 / 1000, 1 / 250),
    "oco_race": (0.0, 0.02, 0.15),
}
"""Each kind's levels: chances for a call, an order or a second; `visibility_lag` is in seconds."""

PUBLISHED = frozenset(
    {
        "lost_request",
        "late_request",
        "lost_reply",
        "reject",
        "leg_reject",
        "read_failure",
        "visibility_lag",
        "jump",
        "outage",
        "crash",
    }
)
"""The kinds that the published rates of the naive variants were measured with."""


@dataclass(frozen=True)
class Faults:
    """How much of each kind of `LEVELS` a session has; all zero is a day on which everything works."""

    lost_request: float = 0.0
    late_request: float = 0.0
    lost_reply: float = 0.0
    reject: float = 0.0
    leg_reject: float = 0.0
    read_failure: float = 0.0
    stale_read: float = 0.0
    visibility_lag: float = 0.0
    partial_fill: float = 0.0
    jump: float = 0.0
    outage: float = 0.0
    crash: float = 0.0
    update_loss: float = 0.0
    update_noise: float = 0.0
    feed_death: float = 0.0
    clock_step: float = 0.0
    full_disk: float = 0.0
    busy_journal: float = 0.0
    token_expiry: float = 0.0
    lease_loss: float = 0.0
    takeover: float = 0.0
    garbage: float = 0.0
    command: float = 0.0
    person_exit: float = 0.0
    person_buy: float = 0.0
    oco_race: float = 0.0

    @classmethod
    def drawn(cls, rng: Random, kinds: frozenset[str] | None = None) -> "Faults":
        """Draw a level for each kind; those outside `kinds` stay off."""
        levels = {name: rng.choice(choices) for name, choices in LEVELS.items()}
        return cls(**{name: level for name, level in levels.items() if kinds is None or name in kinds})

    def __str__(self) -> str:
        named = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return ", ".join(f"{name} {'low' if level == LEVELS[name][1] else 'high'}" for name, level in named if level)
