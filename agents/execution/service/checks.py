"""The desk's risk rules as the guardian asks them: once more, on the book that it has just reconciled."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from agents.domain.cycle import Veto
from agents.domain.errors import MissingDataError
from agents.domain.values import IST
from agents.execution.guardian.ports import Standing, TradeRequest
from agents.execution.risk import Account, Limits, size, vetoes
from agents.ports import Calendar
from agents.settings import Settings


class RiskChecks:
    """Implements `agents.execution.guardian.ports.Checks` by the desk's own rules.

    Parameters
    ----------
    limits : Limits
        What the account may risk.
    calendar : Calendar
        The sessions.
    equity : callable
        Returns the rupees that risk is measured against, whatever a request says.
    """

    def __init__(self, limits: Limits, calendar: Calendar, equity: Callable[[], Decimal]) -> None:
        self._limits = limits
        self._calendar = calendar
        self._equity = equity

    def vetoes(self, request: TradeRequest, standing: Standing, now: datetime) -> Sequence[Veto]:
        """Return every rule that forbids the trade; see the protocol. Raises what the ledger raises."""
        session = self._calendar.session(now.astimezone(IST).date())
        if session is None:
            raise MissingDataError(f"{now:%Y-%m-%d} has no session; nothing is bought")
        account = Account(min(standing.equity, self._equity()), standing.orders, standing.trades)
        lots, most = request.order.lots, size(request.setup, account, self._limits)
        found = list(vetoes(request.setup, lots, account, self._limits, now=now, session=session))
        if lots > most:
            text = f"the order is for {lots} lots, the rules allow {most}"
            found.append(Veto(rule="R1.size", limit=float(most), value=float(lots), text=text))
        return found


def limits_of(settings: Settings) -> Limits:
    """Return the limits that the desk's settings set."""
    return Limits(
        risk_per_trade=settings.risk_per_trade,
        premium_share=settings.premium_share,
        daily_loss_share=settings.daily_loss_share,
        max_trades=settings.max_trades,
    )
