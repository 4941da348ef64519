"""The trading desk: vocabulary, data, analysis, judgement and execution, and the agents that bring them together.

The agents' classes are imported when they are first asked for, so that ``import agents.domain`` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agents.data.agent import DataCollectionAgent
    from agents.execution.agent import ExecutionAgent
    from agents.llm.agent import LLMAnalysisAgent
    from agents.options.agent import OptionsAnalysisAgent
    from agents.orchestrator import TradingOrchestrator
    from agents.technical.agent import TechnicalAnalysisAgent

__all__ = [
    "DataCollectionAgent",
    "ExecutionAgent",
    "LLMAnalysisAgent",
    "OptionsAnalysisAgent",
    "TechnicalAnalysisAgent",
    "TradingOrchestrator",
]

_HOMES = {
    "DataCollectionAgent": "agents.data.agent",
    "ExecutionAgent": "agents.execution.agent",
    "LLMAnalysisAgent": "agents.llm.agent",
    "OptionsAnalysisAgent": "agents.options.agent",
    "TechnicalAnalysisAgent": "agents.technical.agent",
    "TradingOrchestrator": "agents.orchestrator",
}


def __getattr__(name: str) -> object:
    """Return an agent's class. Raises `AttributeError` for any other name."""
    if name not in _HOMES:
        raise AttributeError(f"module 'agents' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
