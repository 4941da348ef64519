"""What can go wrong on the wire and behind it, and when it does: scripted for n times or by chance, from a seed.

A script names a fault of `CATALOGUE`, a place by pattern, and how often. Each call of `strike` is one occasion; chance
is drawn from the seed, the script's number and the occasion's number, so the same script fails at the same occasions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from exchange.services import Chance, Parameters

Kind = Literal["http", "feed", "updates", "orders"]

_MILLION = 1_000_000
_NOTHING: Parameters = MappingProxyType({})


class Fault(NamedTuple):
    """One entry of the catalogue: where it strikes, what it does, and its parameters with their defaults."""

    kind: Kind
    does: str
    parameters: Parameters = _NOTHING


# Places: of http "METHOD /path", of the others the client's id.
CATALOGUE: Mapping[str, Fault] = {
    "rate_limited": Fault("http", "429 before the request is looked at: DH-904, or 805 from quotes and chains"),
    "server_error": Fault("http", "500 DH-908; nothing happened"),
    "gateway_error": Fault("http", "HTML of a load balancer; nothing happened", {"status": 502}),
    "lost_in_gateway": Fault(
        "http", "the request is accepted and answered with HTML of a load balancer", {"status": 504}
    ),
    "slow": Fault("http", "the request is accepted at once and answered late", {"seconds": 15.0}),
    "dropped": Fault("http", "the request is accepted and the connection closed or reset unanswered", {"reset": False}),
    "empty_202": Fault("http", "the request is accepted and answered with 202 and nothing"),
    "html_200": Fault("http", "the request is accepted and answered with a page of HTML"),
    "duplicated_request": Fault("http", "the request arrives twice and is answered once"),
    "invalid_ip": Fault("http", "DH-905 Invalid IP"),
    "invalid_token": Fault("http", "the token is refused though it is in force"),
    "clock_skew": Fault("http", "the Date header is wrong", {"seconds": 90.0}),
    "nan_quotes": Fault("http", "prices of NaN in quotes and chains, which is not JSON"),
    "empty_candles": Fault("http", "a chart without a candle, at 200"),
    "missing_last_candle": Fault("http", "a chart that lacks its latest candles", {"count": 1}),
    "late_index_candle": Fault("http", "a chart with one candle more, at 15:30"),
    "stale_chain": Fault("http", "the chain that was answered last before the fault began"),
    "missing_side": Fault("http", "a chain whose strikes lack a side here and there", {"side": "ce", "every": 3}),
    "zero_quotes": Fault("http", "prices and sizes of 0 in quotes and chains"),
    "feed_refused": Fault("feed", "the handshake is refused", {"status": 429}),
    "feed_disconnect": Fault("feed", "a disconnect packet, then the end", {"code": 805}),
    "feed_reset": Fault("feed", "the connection is reset without a close frame"),
    "feed_deaf": Fault("feed", "pings of the client stay unanswered"),
    "feed_silent": Fault("feed", "the connection stands and nothing more comes"),
    "feed_lag": Fault("feed", "packets come late", {"seconds": 30.0}),
    "feed_stale": Fault("feed", "packets repeat the first price and time they showed"),
    "feed_disordered": Fault("feed", "packets of one frame come in reverse, times of trades step back", {"seconds": 3}),
    "feed_together": Fault("feed", "all packets due come in one frame"),
    "feed_truncated": Fault("feed", "a frame is cut short", {"bytes": 5}),
    "feed_unknown": Fault("feed", "a packet with a code nobody knows is among the others", {"code": 99, "length": 24}),
    "feed_zero_code": Fault("feed", "a packet of code 0 is among the others"),
    "feed_zero_prices": Fault("feed", "packets show a price of 0"),
    "feed_nan_prices": Fault("feed", "packets show a price that is not a number"),
    "updates_refused": Fault("updates", "the handshake is refused", {"status": 429}),
    "updates_reset": Fault("updates", "the connection is reset without a close frame"),
    "updates_duplicated": Fault("updates", "an alert comes twice"),
    "updates_reordered": Fault("updates", "an alert comes after the next one"),
    "updates_delayed": Fault("updates", "an alert comes late", {"seconds": 10.0}),
    "updates_dropped": Fault("updates", "an alert never comes"),
    "updates_case": Fault("updates", "an alert uses other keys", {"style": "pascal"}),
    "updates_foreign": Fault("updates", "an alert seems to come from another platform", {"source": "N"}),
    "leg_rejected": Fault("orders", "an exit leg is rejected when the entry fills"),
    "stop_unfilled": Fault("orders", "a triggered stop leg rests unfilled, the price having gone through its limit"),
    "oco_race": Fault("orders", "both exit legs fill"),
    "partial_fill": Fault("orders", "an order fills in part only", {"lots": 1}),
    "entry_part_cancelled": Fault("orders", "an entry fills in part and the rest is cancelled"),
    "reject_after_pending": Fault("orders", "an order is rejected after it was pending"),
    "square_off": Fault("orders", "intraday positions are squared off now"),
}


class FaultUnknownError(ValueError):
    """There is no such fault, or it has no such parameter."""


@dataclass
class Script:
    """When a fault strikes.

    `where` is a pattern as of file names, matched against the place. The first `skip` occasions pass; after them the
    fault strikes with `probability`, at most `times` times, for ever when that is None. `occasions` and `struck`
    count.
    """

    name: str
    where: str = "*"
    probability: float = 1.0
    times: int | None = 1
    skip: int = 0
    parameters: Parameters = field(default_factory=dict)
    number: int = 0
    occasions: int = 0
    struck: int = 0

    def __post_init__(self) -> None:
        if self.name not in CATALOGUE:
            raise FaultUnknownError(f"no fault is called {self.name!r}; the catalogue has {', '.join(CATALOGUE)}")
        extra = set(self.parameters) - set(CATALOGUE[self.name].parameters)
        if extra:
            known = ", ".join(CATALOGUE[self.name].parameters) or "none"
            raise FaultUnknownError(f"{self.name} has no parameter {', '.join(sorted(extra))}; it has {known}")
        if not 0.0 <= self.probability <= 1.0 or self.skip < 0 or (self.times is not None and self.times < 1):
            raise FaultUnknownError(
                f"{self.name}: probability {self.probability}, times {self.times}, skip {self.skip} make no sense; "
                "pass a probability from 0 to 1, times of at least 1 or none, skip of at least 0"
            )

    @property
    def spent(self) -> bool:
        """Whether it will never strike again."""
        return self.times is not None and self.struck >= self.times

    def state(self) -> Mapping[str, Any]:
        """Return the script as the control API shows it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"spent": self.spent}


class FaultBox:
    """The scripts in force; an answer to `exchange.services.Faults`.

    Parameters
    ----------
    seed : int
        Decides the draws of scripts with a probability.
    """

    def __init__(self, seed: int) -> None:
        self._chance = Chance(seed)
        self._scripts: dict[str, list[Script]] = {}
        self._count = 0

    def add(self, script: Script) -> int:
        """Put a script in force and return its number. Of several for one fault the first that strikes counts."""
        self._count += 1
        script.number = self._count
        self._scripts.setdefault(script.name, []).append(script)
        return script.number

    def remove(self, number: int) -> bool:
        """Take a script out; return whether it was there."""
        for scripts in self._scripts.values():
            for script in scripts:
                if script.number == number:
                    scripts.remove(script)
                    return True
        return False

    def clear(self) -> None:
        """Take all scripts out."""
        self._scripts.clear()

    def scripts(self) -> Sequence[Script]:
        """Return the scripts in the order in which they came."""
        return sorted((one for scripts in self._scripts.values() for one in scripts), key=lambda one: one.number)

    def strike(self, name: str, where: str = "") -> Parameters | None:
        """Return the fault's parameters, defaults filled in, if it strikes on this occasion, or None."""
        for script in self._scripts.get(name, ()):
            if not script.spent and fnmatchcase(where, script.where) and self._strikes(script):
                return {**CATALOGUE[name].parameters, **script.parameters}
        return None

    def _strikes(self, script: Script) -> bool:
        script.occasions += 1
        if script.occasions <= script.skip:
            return False
        about = ("fault", script.number, script.occasions)
        if script.probability < 1.0 and self._chance.between(1, _MILLION, *about) > script.probability * _MILLION:
            return False
        script.struck += 1
        return True
