"""One page each, in the order of the navigation."""

from ui.views import cockpit, health, options, positions, preferences, replay, verdicts, why

PAGES = (
    ("cockpit", "Cockpit", cockpit.page),
    ("chain", "Option chain", options.page),
    ("positions", "Positions and orders", positions.page),
    ("verdicts", "Verdicts", verdicts.page),
    ("why", "Why", why.page),
    ("replay", "Replay", replay.page),
    ("health", "Health", health.page),
    ("settings", "Settings", preferences.page),
)
