"""Work in a process of its own: its result, its progress, its errors, and its end."""

import os
import signal
import sys
from pathlib import Path

import pytest

from agents.data.ledger import Ledger, Severity
from agents.domain.errors import ConfigError, DataError, MissingDataError
from agents.settings import Settings
from zonedesk.alarm import raise_alarm
from zonedesk.apart import Say, Step, apart
from zonedesk.shell import wall_now


def quiet(_text: str) -> None:
    pass


def still(_done: int, _total: int) -> None:
    pass


def test_the_result_and_the_progress_come_back() -> None:
    told: list[object] = []

    def work(say: Say, step: Step) -> int:
        say("working")
        step(1, 2)
        return os.getpid()

    assert apart(work, told.append, lambda done, total: told.append((done, total))) != os.getpid()
    assert told == ["working", (1, 2)]


def test_what_is_imported_there_is_not_imported_here() -> None:
    def work(_say: Say, _step: Step) -> bool:
        import colorsys  # noqa: F401, PLC0415  (nobody else imports it)

        return "colorsys" in sys.modules

    sys.modules.pop("colorsys", None)
    assert apart(work, quiet, still)
    assert "colorsys" not in sys.modules


@pytest.mark.parametrize(
    ("raised", "kind"), [(ConfigError("the port is taken"), ConfigError), (MissingDataError("nothing"), DataError)]
)
def test_errors_keep_their_words_and_what_may_be_done(raised: Exception, kind: type[Exception]) -> None:
    def work(_say: Say, _step: Step) -> None:
        raise raised

    with pytest.raises(kind, match=str(raised)):
        apart(work, quiet, still)


def test_a_process_that_is_killed_is_told_of() -> None:
    def work(_say: Say, _step: Step) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(DataError, match="exit code -9"):
        apart(work, quiet, still)


def test_an_interrupt_here_ends_the_process_there() -> None:
    there: list[int] = []

    def work(say: Say, _step: Step) -> None:
        say(str(os.getpid()))
        signal.pause()

    def interrupted(text: str) -> None:
        there.append(int(text))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apart(work, interrupted, still)
    with pytest.raises(ProcessLookupError):
        os.kill(there[0], 0)


@pytest.mark.parametrize("sends", [True, False])
def test_a_process_left_down_becomes_an_alert(tmp_path: Path, *, sends: bool) -> None:
    settings = Settings(data_dir=tmp_path, mode="paper")
    assert raise_alarm(settings, "guardian", "guardian keeps dying", critical=True, sends=sends) == ""
    ledger = Ledger.open(settings.ledger_path, "paper", now=wall_now)
    [message] = ledger.outbox.recent(9)
    ledger.close()
    assert (message.severity, message.text) == (Severity.CRITICAL, "guardian keeps dying")
    assert (message.sent_at is not None) == sends
    assert (settings.home / "logs" / "alerts.log").exists() == sends


def test_an_alarm_that_cannot_be_written_down_says_so(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, mode="paper")
    settings.home.mkdir(parents=True)
    settings.ledger_path.write_bytes(b"no ledger" * 1000)
    assert "not a ledger" in raise_alarm(settings, "feed", "feed keeps dying", critical=False, sends=True)
    said = (settings.home / "logs" / "alerts.log").read_text()
    assert "feed keeps dying; and the ledger cannot take this alert" in said
