"""The ledgers of all clients, opened with the money that their accounts begin with."""

from collections.abc import Iterator

from exchange.accounts import OPENING_BALANCE, Accounts
from exchange.ledgerbook import Ledger


class Ledgers:
    """One ledger a client.

    Parameters
    ----------
    accounts : Accounts
        Say with how much each begins.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._ledgers: dict[str, Ledger] = {}

    def of(self, client_id: str) -> Ledger:
        """Return a client's ledger."""
        ledger = self._ledgers.get(client_id)
        if ledger is None:
            account = self._accounts.find(client_id)
            ledger = Ledger(client_id, OPENING_BALANCE if account is None else account.opening_balance)
            self._ledgers[client_id] = ledger
        return ledger

    def put(self, ledger: Ledger) -> None:
        """Enter a ledger that has been kept elsewhere."""
        self._ledgers[ledger.client_id] = ledger

    def __iter__(self) -> Iterator[Ledger]:
        return iter(list(self._ledgers.values()))

    def clear(self) -> None:
        """Begin with the opening balances again."""
        self._ledgers.clear()
