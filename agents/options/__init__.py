"""Chains, pricing and the choice of a contract."""
