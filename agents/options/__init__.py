"""The option chain: what it says, what each contract is worth, and which one to buy."""

from agents.options.agent import OptionsAnalysisAgent
from agents.options.analysis import analyse, summarise
from agents.options.forward import Market, market_of
from agents.options.maturity import daily_iv
from agents.options.strikes import Choice, ContractRules, Levels, Outlook, choose

__all__ = [
    "Choice",
    "ContractRules",
    "Levels",
    "Market",
    "OptionsAnalysisAgent",
    "Outlook",
    "analyse",
    "choose",
    "daily_iv",
    "market_of",
    "summarise",
]
