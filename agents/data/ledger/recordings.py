"""Recorded replies from several ledgers, so that a replay can repeat what was said on paper or live."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from agents.domain.calls import LlmCall
from agents.ports import CallLog


class Recordings:
    """`ports.CallLog` that writes to the first log and finds in all of them.

    Parameters
    ----------
    logs : sequence of CallLog
        The ledger's own first.
    """

    def __init__(self, logs: Sequence[CallLog]) -> None:
        self._logs = tuple(logs)

    def record_call(self, call: LlmCall) -> None:
        """Keep a call in the first log."""
        self._logs[0].record_call(call)

    def find_call(
        self, key: str, at: datetime, *, max_age: timedelta | None = None, only_ok: bool = True
    ) -> LlmCall | None:
        """Return the call with that key asked nearest to `at` in any log; on a tie the earlier log's."""
        found = (log.find_call(key, at, max_age=max_age, only_ok=only_ok) for log in self._logs)
        return min((call for call in found if call is not None), key=lambda call: abs(call.asked_at - at), default=None)

    def spent_today(self) -> Decimal:
        """Return the US dollars that calls of the first log have cost since midnight in India."""
        return self._logs[0].spent_today()
