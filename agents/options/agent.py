"""The agent that reads option chains."""

from datetime import datetime

from agents.domain.cycle import ChainSummary
from agents.domain.market import OptionChain
from agents.domain.values import Side
from agents.options.chain import market_of, summarise
from agents.options.strikes import Choice, ContractRules, Levels, choose


class OptionsAnalysisAgent:
    """Reads a chain and picks a contract; holds the rate and the rules, nothing else.

    Parameters
    ----------
    rate : float
        Risk-free rate a year, continuous.
    rules : ContractRules
        What a contract must show.
    """

    def __init__(self, rate: float, rules: ContractRules | None = None) -> None:
        self.rate = rate
        self.rules = rules or ContractRules()

    def analyze_option_chain(self, chain: OptionChain, now: datetime) -> ChainSummary:
        """Return put-call ratios, max pain, forward, volatility and expected move. Raises ValueError if expired."""
        return summarise(chain, now, self.rate)

    def select_best_strike(self, chain: OptionChain, side: Side, levels: Levels, now: datetime) -> Choice:
        """Return the contract for a zone of `side`, and why the others were refused. Raises ValueError if expired."""
        return choose(chain, market_of(chain, now, self.rate), side, levels, now=now, rules=self.rules)
