"""What decides: five agents and an orchestrator over a shared vocabulary."""
