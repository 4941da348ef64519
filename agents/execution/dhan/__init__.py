"""Orders at Dhan: the one adapter of `agents.execution.gateway.OrderGateway` to its REST API."""
