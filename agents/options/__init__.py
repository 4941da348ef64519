"""The option chain: what it says, what each contract is worth, and which one to buy."""

from agents.options.agent import OptionsAnalysisAgent
from agents.options.chain import Market, market_of, summarise
from agents.options.strikes import Choice, ContractRules, Levels, Outlook, choose

__all__ = [
    "Choice",
    "ContractRules",
    "Levels",
    "Market",
    "OptionsAnalysisAgent",
    "Outlook",
    "choose",
    "market_of",
    "summarise",
]
