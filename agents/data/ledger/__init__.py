"""What must survive: events, calls to models, breakers, leases, commands, messages and the desk's state."""

from agents.data.ledger.audit import AuditSummary, check_audit
from agents.data.ledger.breaker import LedgerBreaker
from agents.data.ledger.calls import LedgerCallLog
from agents.data.ledger.chain import ChainReport, LedgerEvent
from agents.data.ledger.commands import Command, Commands
from agents.data.ledger.heartbeats import Heartbeat, Heartbeats
from agents.data.ledger.leases import Lease, Leases
from agents.data.ledger.ledger import Ledger
from agents.data.ledger.outbox import Message, Outbox, Severity
from agents.data.ledger.recordings import Recordings

__all__ = [
    "AuditSummary",
    "ChainReport",
    "Command",
    "Commands",
    "Heartbeat",
    "Heartbeats",
    "Lease",
    "Leases",
    "Ledger",
    "LedgerBreaker",
    "LedgerCallLog",
    "LedgerEvent",
    "Message",
    "Outbox",
    "Recordings",
    "Severity",
    "check_audit",
]
