"""The dashboard: reads both stores and can only ask."""
