"""What the desk says of itself: to people, into its log, and in the status file for `status` and the dashboard."""

import logging
import os
import time
from collections.abc import Sequence

from agents.ops.logs import configure_logs
from agents.settings import Settings
from zonedesk.apart import Say
from zonedesk.home import DeskHome
from zonedesk.shell import wall_now
from zonedesk.supervise import Child

STATUS_SECONDS = 2.0
PROCESS = "desk"
_log = logging.getLogger(__name__)


class Notices:
    """The desk's state, its last word and its processes, told whenever one of them changes.

    Parameters
    ----------
    home : DeskHome
        Where the status file lies.
    say : callable
        Tells people.
    """

    def __init__(self, home: DeskHome, say: Say) -> None:
        self._home = home
        self.say = say
        self.started_at = wall_now().isoformat()
        self.state = "preparing"
        self.children: Sequence[Child] = ()
        self._message = ""
        self._written_at = 0.0

    def keep_a_log(self, settings: Settings) -> None:
        """Keep what is told from now on in the desk's log too; a desk without a log is better than none."""
        try:
            configure_logs(settings, PROCESS, console=False)
        except OSError as error:
            self.say(f"what the supervisor says is not logged: {error}")

    def tell(self, text: str) -> None:
        """Say what happens."""
        self._message = text
        _log.info("%s", text)
        self.write()
        self.say(text)

    def turn(self, state: str) -> None:
        """Note how the desk is now."""
        self.state = state
        self.write()

    def refresh(self) -> bool:
        """Write the status anew if it is some seconds old; return whether it was."""
        old = time.monotonic() - self._written_at > STATUS_SECONDS
        if old:
            self.write()
        return old

    def write(self) -> None:
        """Write the status."""
        self._written_at = time.monotonic()
        self._home.write_status(
            {
                "state": self.state,
                "message": self._message,
                "pid": os.getpid(),
                "started_at": self.started_at,
                "written_at": wall_now().isoformat(),
                "services": [child.facts() for child in self.children],
            }
        )
