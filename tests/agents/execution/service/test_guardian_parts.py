"""The guardian's adapters: who may be it, what stops it, what it keeps, and its times in a fast market."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agents.data.ledger import Ledger
from agents.domain.cycle import DeskState
from agents.domain.errors import ConfigError, LeaseLostError, StoreBusyError
from agents.execution.gateway import FillRow, TradeSide
from agents.execution.guardian.ports import CommandKind, Severity
from agents.execution.guardian.settings import GuardianSettings
from agents.execution.service.hold import LASTS, GuardianHold, holder_name
from agents.execution.service.journal import FILL, FencedJournal, FillKeeper
from agents.execution.service.outlets import LedgerControls, MarketTime, OutboxNotifier, confirmed
from agents.execution.service.timing import REAL_TIMES, at_pace
from agents.execution.service.wake import Bell, LedgerWatch

START = datetime(2026, 11, 19, 4, 30, tzinfo=UTC)
NAME = "guardian:1000000001"


class Time:
    def __init__(self) -> None:
        self.seconds = 0.0

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ledger(tmp_path: Path, time: Time) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path / "ledger.sqlite", "paper", now=time.wall, equity=Decimal(1_000_000))
    yield opened
    opened.close()


def hold_of(ledger: Ledger, time: Time, folder: Path, machine: str = "here") -> GuardianHold:
    return GuardianHold(ledger, NAME, holder_name(machine, folder, time.wall()), folder / "run", time.monotonic)


def test_one_is_the_guardian_and_the_other_of_the_folder_waits(ledger: Ledger, time: Time, tmp_path: Path) -> None:
    first, second = hold_of(ledger, time, tmp_path), hold_of(ledger, time, tmp_path)
    assert first.acquire()
    assert first.valid()
    assert not second.acquire()
    assert not second.valid()
    first.release()
    assert not first.valid()
    assert second.acquire()
    with pytest.raises(LeaseLostError):
        _ = first.lease


def test_a_dead_guardian_of_the_folder_is_not_waited_for(ledger: Ledger, time: Time, tmp_path: Path) -> None:
    dead = hold_of(ledger, time, tmp_path)
    assert dead.acquire()
    assert dead._lock is not None
    dead._lock.close()  # what the kernel does for a process that was killed
    time.seconds += 1
    heir = hold_of(ledger, time, tmp_path)
    assert heir.acquire()
    assert heir.lease.token == dead.lease.token + 1


def test_a_guardian_of_another_machine_is_waited_for_until_its_lease_ends(
    ledger: Ledger, time: Time, tmp_path: Path
) -> None:
    there = hold_of(ledger, time, tmp_path / "there", "there")
    assert there.acquire()
    here = hold_of(ledger, time, tmp_path, "here")
    assert not here.acquire()
    assert here.held_by().startswith("there:")
    time.seconds += LASTS.total_seconds() + 1
    assert here.acquire()
    assert not there.valid()


def test_a_lease_is_renewed_in_time_and_not_trusted_after_it(
    ledger: Ledger, time: Time, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = hold_of(ledger, time, tmp_path)
    assert hold.acquire()
    for _ in range(20):
        time.seconds += 6
        assert hold.valid()

    def busy(*_: object) -> None:
        raise StoreBusyError("the ledger stays locked")

    monkeypatch.setattr(ledger.leases, "renew", busy)
    time.seconds += LASTS.total_seconds() / 2
    assert hold.valid()
    time.seconds += LASTS.total_seconds() / 2
    assert not hold.valid()


def test_on_a_full_disk_the_lock_keeps_the_right_where_nobody_else_can_have_it(
    ledger: Ledger, time: Time, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = GuardianHold(ledger, NAME, "here:a#1", tmp_path / "run", time.monotonic, shared=False)
    assert alone.acquire()

    def full(*_: object) -> None:
        raise ConfigError("database or disk is full")

    monkeypatch.setattr(ledger.leases, "renew", full)
    time.seconds += 2 * LASTS.total_seconds()
    assert alone.valid()

    def lost(*_: object) -> None:
        raise LeaseLostError("somebody has it")

    monkeypatch.setattr(ledger.leases, "renew", lost)
    time.seconds += LASTS.total_seconds()
    assert not alone.valid()


def test_what_is_written_under_a_lost_lease_is_refused(ledger: Ledger, time: Time, tmp_path: Path) -> None:
    old = hold_of(ledger, time, tmp_path / "old", "old")
    assert old.acquire()
    journal, lease = FencedJournal(ledger, lambda: old.lease), old.lease
    journal.append("order_event", {"n": 1}, key="a")
    time.seconds += LASTS.total_seconds() + 1
    assert hold_of(ledger, time, tmp_path, "new").acquire()
    with pytest.raises(LeaseLostError):
        journal.append("order_event", {"n": 2}, key="b")
    assert lease.token == 1
    assert [event.key for event in journal.events("order_event")] == ["a"]


def test_the_halt_file_stops_entries_and_says_why(ledger: Ledger, tmp_path: Path) -> None:
    controls = LedgerControls(ledger, tmp_path)
    assert controls.halted() == ""
    (tmp_path / "HALT").write_text("the market is odd\n")
    assert "the market is odd" in controls.halted()
    (tmp_path / "HALT").unlink()
    (tmp_path / "HALT").mkdir()
    assert "cannot be read" in controls.halted()


def test_commands_tighten_and_never_loosen(ledger: Ledger, tmp_path: Path) -> None:
    controls = LedgerControls(ledger, tmp_path)
    for kind in ("halt", "resume", "flatten", "cancel_order"):
        ledger.commands.ask(f"c-{kind}", kind, {"why": kind}, by="test")
    assert [one.kind for one in controls.commands()] == [CommandKind.HALT, CommandKind.FLATTEN]
    controls.acknowledge("c-halt", "done")
    assert [one.kind for one in controls.commands()] == [CommandKind.FLATTEN]
    controls.set_desk_state(DeskState.HALTED, "a test")
    assert controls.desk_state() is DeskState.HALTED


class OneFill:
    """A gateway that has traded once."""

    row = FillRow(
        order_id="o1",
        trade_id="t1",
        contract="NIFTY26112425650CE",
        side=TradeSide.BUY,
        quantity=65,
        price=Decimal("134.05"),
        at=START,
    )

    def trades(self) -> list[FillRow]:
        return [self.row]


def test_each_execution_is_kept_once(ledger: Ledger, time: Time, tmp_path: Path) -> None:
    hold = hold_of(ledger, time, tmp_path)
    assert hold.acquire()
    gateway: Any = OneFill()
    for _ in range(2):  # a second process of the day sees the same executions
        keeper = FillKeeper(gateway, FencedJournal(ledger, lambda: hold.lease))
        assert [keeper.trades(), keeper.trades()] == [[OneFill.row]] * 2
    [event] = ledger.events(FILL)
    assert event.key == "2026-11-19:t1"
    hold.release()
    assert FillKeeper(gateway, FencedJournal(ledger, lambda: hold.lease)).trades() == [OneFill.row]


def test_a_repeated_alert_is_written_once_a_minute(ledger: Ledger, time: Time) -> None:
    notifier = OutboxNotifier(ledger, time.monotonic)
    for _ in range(120):
        notifier.alert(Severity.CRITICAL, "short", "the account is short")
        time.seconds += 1
    assert len(ledger.outbox.recent(10)) == 2


def test_in_a_fast_market_waits_stay_what_they_are_in_real_seconds() -> None:
    fast, usual = at_pace(GuardianSettings(), 5.0), GuardianSettings()
    assert all(getattr(fast, name) == 5.0 * getattr(usual, name) for name in REAL_TIMES)
    assert fast.request_good_for == 5 * usual.request_good_for
    assert (fast.start_block, fast.last_entry) == (usual.start_block, usual.last_entry)
    clock = MarketTime(Fixed(), lambda: 2.0, 5.0)
    assert (clock.elapsed(), clock.now()) == (10.0, START)


class Fixed:
    def now(self) -> datetime:
        return START


def test_live_trading_is_confirmed_for_the_very_day() -> None:
    confirmed(date(2026, 11, 19), date(2026, 11, 19))
    for said in (None, date(2026, 11, 18)):
        with pytest.raises(ConfigError, match="ZONEDESK_LIVE_CONFIRMED_ON=2026-11-19"):
            confirmed(said, date(2026, 11, 19))


def test_a_write_by_anyone_else_is_noticed_and_silence_is_too(ledger: Ledger, tmp_path: Path) -> None:
    watch = LedgerWatch(ledger, tmp_path / "ledger.sqlite", lambda: 0.0)
    assert watch.changed()
    assert not watch.changed()
    ledger.append("trade_request", {"n": 1}, key="a")
    assert watch.changed()
    assert not watch.changed()
    watch.close()
    assert watch.changed()  # what cannot be read is looked at


def test_a_ledger_without_a_file_is_asked_for_its_last_event(ledger: Ledger, time: Time) -> None:
    watch = LedgerWatch(ledger, None, time.monotonic)
    assert watch.changed()
    ledger.append("trade_request", {"n": 1}, key="a")
    assert not watch.changed()
    time.seconds += 1
    assert watch.changed()
    time.seconds += 1
    assert not watch.changed()
    watch.close()


def test_a_bell_rings_once() -> None:
    bell = Bell()
    assert not bell.rang(0.0)
    bell.ring()
    assert bell.rang(0.0)
    assert not bell.rang(0.0)
