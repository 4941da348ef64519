"""The assets: read, call the agents, write."""
