"""The market and broker seen from the other side; knows nothing of the agents."""
