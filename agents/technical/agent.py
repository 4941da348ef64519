"""The technical agent: the modules of this folder under one roof."""

from collections.abc import Sequence

import pandas as pd

from agents.domain.candles import Candles, moment
from agents.domain.zones import Zone
from agents.settings import Settings
from agents.technical.analysis import analyse
from agents.technical.gaps import fair_value_gaps
from agents.technical.levels import profile_frame
from agents.technical.order_blocks import order_blocks
from agents.technical.profile import profile_candles


class TechnicalAnalysisAgent:
    """Reads candles of 15 minutes; keeps nothing between calls.

    Parameters
    ----------
    settings : Settings
        `half_length`, `window`, `row_ticks`, `value_fraction` and `min_families`.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def calculate_volume_profile(
        self, candles: Candles, future: Candles | None = None, basket: Candles | None = None
    ) -> pd.DataFrame:
        """Return the profile's levels at each candle, over the rolling window and since the open.

        `future` and `basket` lend an index their volume (see `profile_candles`). Columns as the table
        `volume_profile`; levels in ticks.
        """
        return profile_frame(candles, profile_candles(candles, future, basket), self.settings)

    def identify_order_blocks(self, candles: Candles) -> pd.DataFrame:
        """Return every order block, in the order in which they became known; columns as the table `order_blocks`."""
        return order_blocks(candles, self.settings).frame()

    def identify_fair_value_gaps(self, candles: Candles) -> pd.DataFrame:
        """Return every gap, in the order in which they became known; columns as the table `fair_value_gaps`."""
        return fair_value_gaps(candles, self.settings).frame()

    def identify_supply_demand_zones(
        self, candles: Candles, future: Candles | None = None, basket: Candles | None = None
    ) -> Sequence[Zone]:
        """Return the zones that live at the last candle, from the lowest price up.

        Raises
        ------
        MissingDataError
            If there is no candle.
        """
        last = moment(int(candles.closed_at[-1])) if len(candles) else None
        found = analyse(candles, profile_candles(candles, future, basket), self.settings, since=last)
        return found.analysis_at(moment(int(candles.closed_at[-1]))).zones
