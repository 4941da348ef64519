"""What keeps the desk from trading, told to a person once: the trouble in plain words, and its cure.

Cycles and the guardian write down why nothing was bought. Most reasons are the market's and need nobody. Those in the
tables below need somebody, or a person wants to know of them. What the guardian tells by itself, such as a journal that
fails or a broker that does not answer, is not told again here.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from agents.data.ledger import Ledger, Severity
from agents.data.ledger.ledger import CYCLE
from agents.domain.cycle import REASON_TEXT, Reason

ANSWER: Final = "trade_answer"
IN_A_ROW: Final = 3
"""So many cycles without data or judgement make a trouble of what may be a hiccup."""
QUIET: Final = timedelta(hours=1)
_RECENT: Final = 50
_JUDGE: Final = "judge"
_FEED: Final = "feed"


class Trouble(NamedTuple):
    """One kind of trouble: its name, and what may be done about it."""

    name: str
    cure: str


_HALT = Trouble("halt", "look for the cause, then `zonedesk resume`")
_LOSS = Trouble("daily loss", "nothing more is bought today; what is held keeps its stop and target")
_SLOW = Trouble("protections", "look at the last trades before the limits in risk.toml are touched")
_PRICES = Trouble(
    _FEED, "see `zonedesk status`, the network and the broker's status page; the feed reconnects by itself"
)
_CHAIN = Trouble("chain", "see the run of the chains in Dagster and the data plan of the account")
_ZONES = Trouble("zones", "see in Dagster which run of the zones failed or waits, and start it again")
_VERDICT = Trouble(_JUDGE, "see `zonedesk doctor`, the model's key and its address; entries wait, exits do not need it")
_CLOCK = Trouble("clock", "let a time service set the clock: `timedatectl set-ntp true`")
_ACCOUNT = Trouble("account", "set DHAN_CLIENT_ID and the access token from one account, then `zonedesk up`")
_ADDRESS = Trouble("address", "run where the address is known, or register it with the broker")
_MODE = Trouble("mode", "confirm the date or use paper mode, then `zonedesk up`")
_NUMBER = Trouble("number", "the desk is halted; correct the figure, then `zonedesk resume`")
_FAULT = Trouble("fault", "see `zonedesk why` and the run's log in Dagster")

BY_RULE: Final[Mapping[str, Trouble]] = MappingProxyType(
    {
        "R0.number": _NUMBER,
        "R11.mode": _MODE,
        "R11.account": _ACCOUNT,
        "R11.address": _ADDRESS,
        "G.clock": _CLOCK,
        "R7.clock": _CLOCK,
        "G.halt": _HALT,
        "G.desk": _HALT,
        "R11.state": _HALT,
        "G.loss": _LOSS,
        "R5.lock": _LOSS,
        "R5.loss": _LOSS,
        "R6.losses": _SLOW,
        "R6.stop_guard": _SLOW,
        "R6.drawdown": _SLOW,
        "R6.low_profit": _SLOW,
        "G.index": _PRICES,
        "G.quote": _PRICES,
        "R7.index": _PRICES,
        "R7.quote": _PRICES,
        "R7.zones": _ZONES,
        "R7.chain": _CHAIN,
        "G.verdict": _VERDICT,
    }
)
"""By the rule that refused a trade, the gravest first: told at once."""

BY_REASON: Final[Mapping[Reason, Trouble]] = MappingProxyType(
    {
        Reason.DESK_HALTED: _HALT,
        Reason.PRICE_MISSING: _PRICES,
        Reason.PRICE_STALE: _PRICES,
        Reason.CHAIN_MISSING: _CHAIN,
        Reason.CHAIN_STALE: _CHAIN,
        Reason.ZONES_MISSING: _ZONES,
        Reason.ZONES_STALE: _ZONES,
        Reason.JUDGE_FAILED: _VERDICT,
        Reason.FAULT: _FAULT,
    }
)
"""By the reason why a cycle ended."""

AT_ONCE: Final = frozenset({_HALT, _FAULT})


class TroubleWatch:
    """Reads what cycles and the guardian have written since the last look.

    Parameters
    ----------
    ledger : Ledger
        Has both and takes the alerts.
    holding : callable
        Whether a position is open: then the guardian itself tells of prices that are missing.
    """

    def __init__(self, ledger: Ledger, holding: Callable[[], bool]) -> None:
        self._ledger = ledger
        self._holding = holding
        self._seen: dict[str, int] = {}
        self._row: dict[str, int] = {}

    def step(self) -> None:
        """Look once. Raises `TradingError` if the ledger cannot be used."""
        for payload in self._new(ANSWER):
            self._vetoed(payload)
        for payload in self._new(CYCLE):
            self._ended(payload)
            self._vetoed(payload)

    def _new(self, kind: str) -> Iterator[Mapping[str, Any]]:  # Any: JSON
        """Yield what was written of a kind since the last look; what is there at the first look is history."""
        if kind not in self._seen:
            last = self._ledger.latest(kind)
            self._seen[kind] = 0 if last is None else last.seq
        for event in self._ledger.events(kind, after=self._seen[kind]):
            self._seen[kind] = event.seq
            yield event.payload

    def _vetoed(self, payload: Mapping[str, Any]) -> None:  # Any: JSON
        """Tell of the gravest trouble that a refusal names; the others are in its record."""
        texts = {str(veto.get("rule")): str(veto.get("text")) for veto in payload.get("vetoes") or ()}
        for rule, trouble in BY_RULE.items():
            if rule in texts:
                self._tell(trouble, texts[rule])
                return

    def _ended(self, payload: Mapping[str, Any]) -> None:  # Any: JSON
        reason, name = Reason(payload["reason"]), str(payload.get("instrument"))
        trouble = BY_REASON.get(reason)
        for other in [key for key in self._row if key.startswith(f"{name} ")]:
            if trouble is None or other != f"{name} {trouble.name}":
                del self._row[other]
        if trouble is None:
            return
        count = self._row[f"{name} {trouble.name}"] = self._row.get(f"{name} {trouble.name}", 0) + 1
        if trouble in AT_ONCE or count >= IN_A_ROW:
            self._tell(trouble, str(payload.get("detail") or REASON_TEXT[reason]))

    def _tell(self, trouble: Trouble, text: str) -> None:
        if trouble.name == _FEED and (self._holding() or self._told_of_prices()):
            return
        if trouble.name == _JUDGE and any(state.is_open and state.name == "model" for state in self._ledger.breakers()):
            return  # the open breaker has been told
        said = f"nothing is bought: {text}. What to do: {trouble.cure}"
        self._ledger.outbox.put(Severity.WARN, f"trouble:{trouble.name}", said, suppress=QUIET)

    def _told_of_prices(self) -> bool:
        """Whether the guardian told of missing prices not long ago, as it does itself while it holds something."""
        recent = self._ledger.outbox.recent(_RECENT)
        said = [message.created_at for message in recent if message.dedupe_key.startswith("prices:")]
        return bool(said) and recent[0].created_at - max(said) < QUIET
