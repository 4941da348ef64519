"""One page each, in the order of the navigation."""

from ui.views import cockpit, health, positions, verdicts

PAGES = (
    ("cockpit", "Cockpit", cockpit.page),
    ("positions", "Positions and orders", positions.page),
    ("verdicts", "Verdicts", verdicts.page),
    ("health", "Health", health.page),
)
