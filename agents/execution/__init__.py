"""From a setup to an order, and what became of it."""
