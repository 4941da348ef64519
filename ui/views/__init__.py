"""One page each, in the order of the navigation."""

from ui.views import cockpit, health, options, positions, verdicts

PAGES = (
    ("cockpit", "Cockpit", cockpit.page),
    ("chain", "Option chain", options.page),
    ("positions", "Positions and orders", positions.page),
    ("verdicts", "Verdicts", verdicts.page),
    ("health", "Health", health.page),
)
