"""Kernels: NumPy in, NumPy out. Prices are integer ticks, every value is known at the candle it is stamped with."""
