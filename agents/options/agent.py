"""The agent that reads option chains."""

from collections.abc import Sequence
from datetime import datetime

from agents.domain.chain import ChainAnalysis, DailyIv
from agents.domain.market import OptionChain
from agents.domain.values import Side
from agents.options.analysis import analyse
from agents.options.forward import market_of
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

    def analyze_option_chain(
        self,
        chain: OptionChain,
        now: datetime,
        *,
        earlier: OptionChain | None = None,
        far: OptionChain | None = None,
        history: Sequence[DailyIv] = (),
    ) -> ChainAnalysis:
        """Return everything that the chain says at `now`.

        Parameters
        ----------
        chain : OptionChain
            One expiry; prices in rupees, open interest and volume in contracts.
        now : datetime
            Aware, before the expiry.
        earlier : OptionChain, optional
            The same expiry some time before, such as one cycle: what has built up since is told against it.
        far : OptionChain, optional
            The first expiry more than seven days away; with it there is a volatility of constant maturity.
        history : sequence of DailyIv
            Earlier days of that volatility, oldest first; rank and percentile need sixty.

        Returns
        -------
        ChainAnalysis
            Put-call ratios over all strikes and over the 21 nearest the forward, max pain, forward, volatilities and
            greeks of each option, skew, expected moves, build-up of open interest. None wherever there is no honest
            number; units are in `conventions`.

        Raises
        ------
        ValueError
            If the chain has expired, or has no option.
        """
        return analyse(chain, now, self.rate, earlier=earlier, far=far, history=history)

    def select_best_strike(
        self, chain: OptionChain, side: Side, levels: Levels, now: datetime, *, lots: int = 1
    ) -> Choice:
        """Return the contract to buy for a zone of `side`, with every contract that was looked at.

        Parameters
        ----------
        chain : OptionChain
            The expiry to trade.
        side : Side
            Demand buys calls, supply buys puts.
        levels : Levels
            Where the index stands, stop, target, and the probability of the target, in rupees of the index.
        now : datetime
            Aware, before the expiry.
        lots : int
            What is to be bought; the best price must hold three times as much.

        Returns
        -------
        Choice
            `best` is None when no contract passes; each candidate carries all reasons against it, its repriced
            premiums and the parts of its score.

        Raises
        ------
        ValueError
            If the chain has expired.
        """
        market = market_of(chain, now, self.rate)
        return choose(chain, market, side, levels, now=now, rules=self.rules, lots=lots)
