"""Candles in, findings and zones out."""
