"""How a ledger of any age becomes one of today; run whenever a ledger is opened."""
