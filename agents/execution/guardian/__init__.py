"""The guardian: the one process that talks to the broker's order endpoints."""
