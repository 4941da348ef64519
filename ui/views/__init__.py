"""One page each, in the order of the navigation."""

from ui.views import cockpit

PAGES = (("cockpit", "Cockpit", cockpit.page),)
