"""What must survive: events, calls to models, breakers and the desk's state, in SQLite."""

from agents.data.ledger.breaker import LedgerBreaker
from agents.data.ledger.calls import LedgerCallLog
from agents.data.ledger.chain import ChainReport, LedgerEvent
from agents.data.ledger.ledger import Ledger
from agents.data.ledger.recordings import Recordings

__all__ = ["ChainReport", "Ledger", "LedgerBreaker", "LedgerCallLog", "LedgerEvent", "Recordings"]
