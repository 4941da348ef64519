"""The guardian's times in a market that may run faster than the machine."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agents.execution.guardian.settings import GuardianSettings

Tune = Callable[[GuardianSettings], GuardianSettings]

# Networks and books do not run faster because a simulated market does: these times stay what they are in real seconds.
REAL_TIMES: Final = (
    "grace",
    "query_every",
    "look_every",
    "watch_every",
    "chase_after",
    "reprice_every",
    "lost_patience",
    "reconcile_every",
    "verify_loss_exit_every",
    "clock_step",
    "clock_block",
    "index_entry_age",
    "quote_entry_age",
    "poll_age",
    "break_even_age",
    "flatten_age",
    "silent_broker_alert",
)


def at_pace(settings: GuardianSettings, speed: float) -> GuardianSettings:
    """Return the settings for a market in which `speed` seconds pass in one; hours and the start's block stay."""
    times = {name: getattr(settings, name) * speed for name in REAL_TIMES}
    return replace(settings, request_good_for=settings.request_good_for * speed, **times)
