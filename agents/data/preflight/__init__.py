"""Whether a desk can start: each check says in one line what was found, and how to cure what is wrong."""

from agents.data.preflight.broker import Probe, broker_findings
from agents.data.preflight.files import file_findings
from agents.data.preflight.findings import Finding, State, worst

__all__ = ["Finding", "Probe", "State", "broker_findings", "file_findings", "worst"]
