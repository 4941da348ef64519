"""Alerts reach a person: what is sent where, how often, and what happens when nobody takes it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from pydantic import SecretStr

from agents.data.calendar import NseCalendar
from agents.data.dhan.redaction import HIDDEN, hide
from agents.data.ledger import Ledger, Severity
from agents.domain.errors import ConfigError
from agents.domain.values import IST
from agents.ops.channels import AlertFile, AppriseChannel, channels_of
from agents.ops.loop import AlertLoop, GuardianFacts
from agents.ops.sender import MOST_TRIES, AlertSender
from agents.ops.server import Health
from agents.ports import NullMetrics
from agents.settings import Settings
from tests.agents.ops.receivers import Receiver, receiver

START = datetime(2024, 6, 3, 6, 0, tzinfo=UTC)


class Present:
    """A clock that tests move."""

    def __init__(self, now: datetime = START) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment

    def later(self, **by: float) -> None:
        self.moment += timedelta(**by)


@pytest.fixture
def present() -> Present:
    return Present()


@pytest.fixture
def ledger(present: Present) -> Iterator[Ledger]:
    made = Ledger.in_memory("paper", now=present.now)
    yield made
    made.close()


@pytest.fixture
def service() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


@pytest.fixture
def second() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


def address(server: Receiver, tags: str = "") -> SecretStr:
    return SecretStr(f"{tags}json://127.0.0.1:{server.port}/")


def sender(ledger: Ledger, folder: Path, *addresses: SecretStr) -> AlertSender:
    return AlertSender(ledger.outbox, channels_of(addresses), AlertFile(folder / "alerts.log"), "zonedesk paper")


def test_an_alert_is_sent_once(ledger: Ledger, tmp_path: Path, service: Receiver) -> None:
    ledger.outbox.put(Severity.WARN, "feed", "the feed is silent")
    at_work = sender(ledger, tmp_path, address(service))
    assert [at_work.step(), at_work.step()] == [1, 0]
    [body] = service.bodies
    assert (body["title"], body["message"]) == ("zonedesk paper: warn", "the feed is silent")
    assert ledger.outbox.recent(1)[0].sent_at is not None


def test_the_same_alert_within_five_minutes_is_said_once(
    ledger: Ledger, tmp_path: Path, service: Receiver, present: Present
) -> None:
    at_work = sender(ledger, tmp_path, address(service))
    for _ in range(6):
        ledger.outbox.put(Severity.WARN, "feed", "the feed is silent")
        at_work.step()
        present.later(minutes=1)
    assert len(service.bodies) == 2


def test_critical_alerts_are_never_suppressed(ledger: Ledger, tmp_path: Path, service: Receiver) -> None:
    for _ in range(3):
        ledger.outbox.put(Severity.CRITICAL, "naked", "a position has no stop")
    assert sender(ledger, tmp_path, address(service)).step() == 3


def test_what_the_first_channel_does_not_take_goes_to_the_second(
    ledger: Ledger, tmp_path: Path, service: Receiver, second: Receiver
) -> None:
    service.status = 500
    ledger.outbox.put(Severity.CRITICAL, "naked", "a position has no stop")
    assert sender(ledger, tmp_path, address(service), address(second)).step() == 1
    assert second.texts == ["a position has no stop"]


def test_an_alert_that_nobody_takes_is_tried_again_ever_later(
    ledger: Ledger, tmp_path: Path, service: Receiver, present: Present
) -> None:
    service.status = 500
    ledger.outbox.put(Severity.WARN, "feed", "the feed is silent")
    at_work = sender(ledger, tmp_path, address(service))
    tried: list[int] = []
    for second in range(40):
        at_work.step()
        if ledger.outbox.recent(1)[0].attempts > len(tried):
            tried.append(second)
        present.later(seconds=1)
    assert tried == [0, 2, 6, 14, 30]
    service.status = 200
    present.later(minutes=5)
    assert at_work.step() == 1
    assert service.texts == ["the feed is silent"]


def test_retrying_ends_except_for_critical_alerts(
    ledger: Ledger, tmp_path: Path, service: Receiver, present: Present
) -> None:
    service.status = 500
    ledger.outbox.put(Severity.WARN, "feed", "the feed is silent")
    ledger.outbox.put(Severity.CRITICAL, "naked", "a position has no stop")
    at_work = sender(ledger, tmp_path, address(service))
    for _ in range(MOST_TRIES + 5):
        at_work.step()
        present.later(minutes=6)
    critical, warning = ledger.outbox.recent(2)
    assert (critical.attempts, warning.attempts) == (MOST_TRIES + 5, MOST_TRIES)


def test_each_channel_gets_what_it_is_for(ledger: Ledger, tmp_path: Path, service: Receiver, second: Receiver) -> None:
    ledger.outbox.put(Severity.INFO, "day", "net +100")
    ledger.outbox.put(Severity.CRITICAL, "naked", "a position has no stop")
    at_work = sender(ledger, tmp_path, address(service, "critical="), address(second, "info,warn="))
    assert at_work.step() == 2
    assert (service.texts, second.texts) == (["a position has no stop"], ["net +100"])


def test_the_most_urgent_alert_goes_first(ledger: Ledger, tmp_path: Path, service: Receiver) -> None:
    ledger.outbox.put(Severity.INFO, "day", "net +100")
    ledger.outbox.put(Severity.CRITICAL, "naked", "a position has no stop")
    sender(ledger, tmp_path, address(service)).step()
    assert service.texts == ["a position has no stop", "net +100"]


def test_every_alert_is_in_the_file_once_whatever_the_channels_do(
    ledger: Ledger, tmp_path: Path, service: Receiver, present: Present
) -> None:
    service.status = 500
    ledger.outbox.put(Severity.CRITICAL, "naked", "a position\nhas no stop")
    at_work = sender(ledger, tmp_path, address(service))
    for _ in range(3):
        at_work.step()
        present.later(minutes=6)
    text = (tmp_path / "alerts.log").read_text()
    assert text == "2024-06-03 11:30:00 critical      1 a position has no stop\n"


def test_without_channels_the_file_takes_the_alert(ledger: Ledger, tmp_path: Path) -> None:
    ledger.outbox.put(Severity.WARN, "feed", "the feed is silent")
    assert sender(ledger, tmp_path).step() == 1
    assert "the feed is silent" in (tmp_path / "alerts.log").read_text()


def test_an_address_that_nobody_knows_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError, match="ZONEDESK_ALERT_URLS") as caught:
        AppriseChannel(SecretStr("nonsense://user:hunter2secret@somewhere"))
    assert "hunter2secret" not in str(caught.value)


def test_an_address_for_an_unknown_severity_is_refused() -> None:
    with pytest.raises(ConfigError, match="info, warn or critical"):
        AppriseChannel(SecretStr("loud=json://127.0.0.1"))


def test_a_channel_does_not_show_its_secrets() -> None:
    channel = AppriseChannel(SecretStr("tgram://123456789:AAE9m3K5v7x1q2w3e4r5t6y7u8i9o0p1a2s/987654321"))
    assert "AAE9m3K5" not in channel.name


def test_a_secret_in_an_alert_does_not_reach_the_file(ledger: Ledger, tmp_path: Path) -> None:
    secret = f"s{Random(5).getrandbits(90)}"
    hide(secret)
    ledger.outbox.put(Severity.WARN, "x", f"refused: {secret}")
    sender(ledger, tmp_path).step()
    text = (tmp_path / "alerts.log").read_text()
    assert secret not in text
    assert HIDDEN in text


class Machine:
    """A loop over a ledger, with everything around it in the test's hands."""

    def __init__(self, folder: Path, present: Present, ledger: Ledger, **more: object) -> None:
        self.present = present
        self.ledger = ledger
        self.held = False
        self.problems: tuple[str, ...] = ()
        facts = GuardianFacts(lambda: Health(problems=self.problems), lambda: self.held, lambda _on: ())
        settings = Settings.model_validate({"data_dir": folder, "mode": "paper", **more})
        self.loop = AlertLoop(
            settings,
            ledger,
            present,
            NseCalendar(),
            facts,
            metrics=NullMetrics(),
            wall=present.now,
            monotonic=lambda: present.now().timestamp(),
        )

    @property
    def texts(self) -> list[str]:
        return [message.text for message in reversed(self.ledger.outbox.recent(100))]

    def run(self, *, minutes: int) -> None:
        for _ in range(minutes * 4):
            self.loop.step()
            self.present.later(seconds=15)


@pytest.fixture
def funded(present: Present) -> Iterator[Ledger]:
    made = Ledger.in_memory("paper", now=present.now)
    made.set_equity(1_000_000)  # type: ignore[arg-type]  # any number will do
    yield made
    made.close()


def test_a_session_has_two_signs_of_life_and_one_summary(funded: Ledger, tmp_path: Path, present: Present) -> None:
    present.moment = datetime(2024, 6, 3, 9, 0, tzinfo=IST)
    machine = Machine(tmp_path, present, funded)
    seen = {}
    for _ in range(8 * 60):
        before = len(machine.texts)
        machine.loop.step()
        for text in machine.texts[before:]:
            seen[text.split(" session")[0].split(":")[0]] = present.moment.strftime("%H:%M")
        present.later(minutes=1)
    assert seen == {"alive before": "09:10", "alive after": "15:45", "session 2024-06-03": "15:45"}


def test_a_restarted_loop_does_not_repeat_the_days_messages(funded: Ledger, tmp_path: Path, present: Present) -> None:
    present.moment = datetime(2024, 6, 3, 16, 0, tzinfo=IST)
    for _ in range(3):
        Machine(tmp_path, present, funded).run(minutes=10)
    assert len(Machine(tmp_path, present, funded).texts) == 2


def test_there_are_no_daily_messages_on_a_holiday(funded: Ledger, tmp_path: Path, present: Present) -> None:
    present.moment = datetime(2024, 6, 2, 12, 0, tzinfo=IST)
    assert NseCalendar().session(date(2024, 6, 2)) is None
    machine = Machine(tmp_path, present, funded)
    machine.run(minutes=5)
    assert machine.texts == []


def test_the_dead_mans_switch_is_asked_every_minute_while_all_is_well(
    funded: Ledger, tmp_path: Path, present: Present, service: Receiver
) -> None:
    machine = Machine(tmp_path, present, funded, dead_man_url=f"http://127.0.0.1:{service.port}/alive")
    machine.run(minutes=3)
    assert service.asked == ["/alive"] * 3
    machine.problems = ("the broker is silent",)
    machine.run(minutes=3)
    assert len(service.asked) == 3


def trip(ledger: Ledger, name: str) -> None:
    breaker = ledger.breaker(name)
    for _ in range(5):
        permit = breaker.enter()
        assert permit is not None
        breaker.failed(permit)


def test_a_breaker_that_opens_and_closes_is_told_of_once_each(funded: Ledger, tmp_path: Path, present: Present) -> None:
    present.moment = datetime(2024, 6, 2, 12, 0, tzinfo=IST)
    machine = Machine(tmp_path, present, funded)
    trip(funded, "dhan_data")
    machine.run(minutes=3)
    permit = funded.breaker("dhan_data").enter()
    assert permit is not None
    funded.breaker("dhan_data").succeeded(permit)
    machine.run(minutes=3)
    assert machine.texts == [
        "dhan_data failed 5 times in a row and is left alone, with one try a minute",
        "dhan_data answers again",
    ]


@pytest.mark.parametrize("held", [True, False])
def test_a_breaker_open_for_minutes_is_critical_only_while_a_position_is_held(
    funded: Ledger, tmp_path: Path, present: Present, *, held: bool
) -> None:
    present.moment = datetime(2024, 6, 2, 12, 0, tzinfo=IST)
    machine = Machine(tmp_path, present, funded)
    machine.held = held
    trip(funded, "dhan_orders")
    machine.run(minutes=8)
    critical = [each.text for each in funded.outbox.recent(9) if each.severity is Severity.CRITICAL]
    assert critical == (
        ["dhan_orders has not answered for 5 minutes while a position is open; look at the broker"] if held else []
    )


def test_a_ledger_that_fails_does_not_end_the_loop(
    tmp_path: Path, present: Present, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger.open(path, "paper", now=present.now)
    machine = Machine(tmp_path, present, ledger)
    ledger.close()
    path.write_bytes(b"no ledger at all" * 400)
    machine.run(minutes=1)
    assert sum("alerts wait" in record.message for record in caplog.records) == 1
    ledger.close()
