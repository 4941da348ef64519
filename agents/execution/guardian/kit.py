"""What the parts of a guardian share for as long as it remembers."""

from dataclasses import dataclass

from agents.execution.guardian.ports import GuardianPorts
from agents.execution.guardian.records import Records
from agents.execution.guardian.settings import GuardianSettings
from agents.execution.guardian.timing import SteadyClock, Timers


@dataclass(frozen=True)
class Kit:
    """One for each time that a guardian begins anew: the ports, the limits, memory and journal, time, and timers."""

    ports: GuardianPorts
    settings: GuardianSettings
    records: Records
    clock: SteadyClock
    timers: Timers
