"""Kernels: NumPy in, NumPy out. Prices are integer ticks, every value is known at the candle it is stamped with."""

from analytics_ext._inputs import ticks
from analytics_ext.blocks import OrderBlocks, order_blocks
from analytics_ext.confluence import ConfluenceZones, confluence
from analytics_ext.gaps import FairValueGaps, fair_value_gaps, fill_fraction
from analytics_ext.lifecycle import Lifecycle, Progress, Reason, ZoneColumns, Zones, live_at, zone_lifecycle
from analytics_ext.options import MaxPain, OptionValues, black76, implied_volatility, max_pain
from analytics_ext.profile import (
    Nodes,
    RollingValueArea,
    ValueArea,
    VolumeProfile,
    profile_nodes,
    rolling_value_area,
    value_area,
    volume_profile,
)
from analytics_ext.structure import Break, StructureBreaks, Swings, structure_breaks, swings
from analytics_ext.zones import BaseKind, SupplyDemand, average_true_range, explosive_zones

__all__ = [
    "BaseKind",
    "Break",
    "ConfluenceZones",
    "FairValueGaps",
    "Lifecycle",
    "MaxPain",
    "Nodes",
    "OptionValues",
    "OrderBlocks",
    "Progress",
    "Reason",
    "RollingValueArea",
    "StructureBreaks",
    "SupplyDemand",
    "Swings",
    "ValueArea",
    "VolumeProfile",
    "ZoneColumns",
    "Zones",
    "average_true_range",
    "black76",
    "confluence",
    "explosive_zones",
    "fair_value_gaps",
    "fill_fraction",
    "implied_volatility",
    "live_at",
    "max_pain",
    "order_blocks",
    "profile_nodes",
    "rolling_value_area",
    "structure_breaks",
    "swings",
    "ticks",
    "value_area",
    "volume_profile",
    "zone_lifecycle",
]
