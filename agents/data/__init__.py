"""Where market data comes from and where it is kept."""
