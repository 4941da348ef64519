"""The cycle of three minutes: `run_cycle` at a `Desk`."""

from agents.cycle.desk import Desk
from agents.cycle.run import run_cycle

__all__ = ["Desk", "run_cycle"]
