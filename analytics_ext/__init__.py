"""Kernels: NumPy in, NumPy out. Prices are integer ticks, every value is known at the candle it is stamped with."""

from analytics_ext._inputs import ticks
from analytics_ext.blocks import OrderBlocks, order_blocks
from analytics_ext.gaps import FairValueGaps, fair_value_gaps, fill_fraction
from analytics_ext.structure import Break, StructureBreaks, Swings, structure_breaks, swings

__all__ = [
    "Break",
    "FairValueGaps",
    "OrderBlocks",
    "StructureBreaks",
    "Swings",
    "fair_value_gaps",
    "fill_fraction",
    "order_blocks",
    "structure_breaks",
    "swings",
    "ticks",
]
