"""Prices of what is held: from the feed, and polled where the feed is silent."""

from agents.domain.errors import BrokerError
from agents.domain.lifecycle import HOLDING
from agents.execution.guardian.case import Case
from agents.execution.guardian.deadman import prices_of, silence
from agents.execution.guardian.lookout import WATCH_IT
from agents.execution.guardian.ports import GuardianPorts, Severity, TopOfBook
from agents.execution.guardian.settings import GuardianSettings
from agents.execution.guardian.timing import SteadyClock, Timers
from agents.execution.guardian.words import spoken


class Pricing:
    """Looks up prices, and asks over REST once they are old.

    Parameters
    ----------
    ports : GuardianPorts
        Quotes and the notifier are used.
    settings : GuardianSettings
        Ages.
    clock : SteadyClock
        Time.
    timers : Timers
        For how long a price has been silent.
    """

    def __init__(self, ports: GuardianPorts, settings: GuardianSettings, clock: SteadyClock, timers: Timers) -> None:
        self._ports = ports
        self._settings = settings
        self._clock = clock
        self._timers = timers

    def of(self, case: Case) -> tuple[TopOfBook | None, float]:
        """Return the best prices of a case and for how long the index has been silent; poll where that is needed."""
        if case.state not in HOLDING:
            return None, 0.0
        elapsed, quotes, index = self._clock.elapsed, self._ports.quotes, self._settings.index
        prices = prices_of(quotes, index, case.contract, self._clock.now)
        silent = silence(self._timers, "index", prices.index_age, elapsed, self._settings)
        mute = silence(self._timers, f"quote {case.setup_id}", prices.book_age, elapsed, self._settings)
        if max(silent, mute) > self._settings.poll_age:
            self._poll(case)
            prices = prices_of(quotes, index, case.contract, self._clock.now)
        return prices.book, silent

    def _poll(self, case: Case) -> None:
        """Ask for prices over REST; when that fails too, the legs at the broker are all there is."""
        if not self._timers.is_due("prices", case.contract, self._clock.elapsed, self._settings.query_every):
            return
        try:
            self._ports.quotes.refresh((self._settings.index, case.contract))
        except BrokerError as error:
            text = f"no prices by feed or REST while {case.contract} is held: {spoken(error)}; {WATCH_IT}"
            self._ports.notifier.alert(Severity.CRITICAL, f"prices:{case.contract}", text)
