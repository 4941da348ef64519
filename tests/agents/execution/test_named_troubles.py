"""Each trouble that has a name: no entry, exits that work, and one alert that says what is wrong and what to do."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agents.data.dhan.account import Addresses
from agents.data.preflight.broker import check_addresses
from agents.domain.errors import ConfigError
from agents.execution.controls import write_halt
from agents.execution.gateway import BrokerState, Leg
from agents.settings import Settings
from tests.agents.execution.guardian.story import order_of
from tests.agents.execution.troubled import TroubledDesk

Begin = Callable[[TroubledDesk], None]
SOON = 60
PATIENCE = 26  # seconds after which the guardian has answered a request that waited for the trouble to pass


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, the rule that refuses, and what refusal and alert must say."""

    name: str
    begin: Begin
    rule: str
    says: str
    alert: str
    cure: str
    asks: Callable[[TroubledDesk, int], object] = lambda desk, number: desk.ask(number)
    silence: int = 0  # seconds after which the guardian itself tells of what does not answer
    reaches: bool = True  # whether the guardian's own requests reach the broker


def lose(desk: TroubledDesk) -> None:
    """The account turns out smaller, so that what was lost in the first trade is too much of it."""
    desk.ledger.set_equity(Decimal(100_000))


def smoke(desk: TroubledDesk) -> None:
    write_halt(desk.home, "smoke")


def mute(desk: TroubledDesk) -> None:
    desk.feed_dead = desk.rest_dead = True


def refuse_token(desk: TroubledDesk) -> None:
    desk.broker.down = True


def move_house(desk: TroubledDesk) -> None:
    there = Addresses(primary="203.0.113.7", secondary=None, detected="198.51.100.9", orders_allowed=False)
    desk.seen = check_addresses(there, None, is_paper=False)
    desk.broker.faults = {
        name: ["refused"] * 500 for name in ("place_exit", "modify_target", "modify_stop", "cancel_entry")
    }
    desk.seconds += 301  # the broker is asked for the address every five minutes
    desk.now += timedelta(seconds=301)


def no_confirmation(desk: TroubledDesk) -> None:
    desk.mode = Settings(mode="live", data_dir=desk.mode.data_dir, live_confirmed_on=date(2026, 11, 23))


TROUBLES = (
    Trouble("daily loss", lose, "R5.lock", "lost its limit", "lost its limit", "nothing more is bought today"),
    Trouble("halt file", smoke, "G.halt", "smoke", "smoke", "resume"),
    Trouble("stale feed", mute, "G.index", "no fresh price", "no prices by feed or REST", "its own app", silence=45),
    Trouble(
        "stale zones",
        lambda _desk: None,
        "R7.zones",
        "the zones are old",
        "the zones are old",
        "start it again",
        asks=lambda desk, number: desk.ask(number, zones_at=desk.now - timedelta(minutes=16)),
    ),
    Trouble(
        "dead LLM",
        lambda _desk: None,
        "G.verdict",
        "no valid verdict",
        "no valid verdict",
        "the model's key",
        asks=lambda desk, number: desk.ask(number, verdict=desk.verdict(number, "unavailable")),
    ),
    Trouble(
        "expired token", refuse_token, "G.broker", "expired", "expired", "network and token", silence=45, reaches=False
    ),
    Trouble("wrong IP", move_house, "R11.address", "198.51.100.9", "198.51.100.9", "register", reaches=False),
    Trouble("clock skew", lambda desk: desk.hear(90.0), "R7.clock", "-90", "clock differs", "timedatectl"),
    Trouble("wrong mode", no_confirmation, "R11.mode", "not confirmed", "not confirmed", "ZONEDESK_LIVE_CONFIRMED_ON"),
)


def soon(desk: TroubledDesk) -> dict[str, object]:
    """Return what makes a request one whose position must be flat in a minute."""
    order = order_of(1, desk.now)
    return {"order": order.model_copy(update={"flatten_at": desk.now + timedelta(seconds=SOON)})}


def holding(folder: Path, trouble: Trouble, way: str) -> TroubledDesk:
    """Return a desk that holds a position bought by the guardian, in trouble since a moment."""
    desk = TroubledDesk(folder)
    desk.run(3)
    first = 1
    if trouble.name == "daily loss":
        desk.ask(9)
        desk.run(4)
        desk.run(8, bid="50")
        assert (desk.held(), desk.holding()) == (0, False)
        desk.run(3, bid="100")
    desk.ask(first, **soon(desk) if way == "time" else {})
    desk.run(5)
    assert desk.held() == 130, desk.text()
    trouble.begin(desk)
    return desk


WAYS = [(trouble, way) for trouble in TROUBLES for way in ("stop", "time")]


@pytest.mark.parametrize(
    ("trouble", "way"),
    [*WAYS, (TROUBLES[0], "target"), (TROUBLES[1], "target")],
    ids=lambda each: each if isinstance(each, str) else each.name,
)
def test_a_trouble_enters_nothing_lets_exits_go_and_is_told_once(trouble: Trouble, way: str, tmp_path: Path) -> None:
    desk = holding(tmp_path, trouble, way)
    sent, began = desk.entries(), desk.seconds
    trouble.asks(desk, 2)
    assert refusal(desk, 2)
    stop = [leg for row in desk.broker.supers.values() for leg in row.legs if leg.leg is Leg.STOP][-1]
    assert (stop.state, stop.trigger) == (BrokerState.PENDING, Decimal(90)), "the position keeps its stop"
    while desk.seconds - began < trouble.silence:
        desk.run()
    leave(desk, trouble, way)
    trouble.asks(desk, 3)
    found = refusal(desk, 3)
    assert desk.entries() == sent, "no entry is sent in trouble"
    assert trouble.says in found.get(trouble.rule, ""), found
    desk.run(3)
    told = desk.rows()
    assert len({row.dedupe_key for row in told}) == 1, told
    assert trouble.alert in told[0].text
    assert trouble.cure in told[0].text
    assert not re.search(r"\b(R\d+|G)\.\w", told[0].text), "an alert is plain words"


def refusal(desk: TroubledDesk, number: int) -> dict[str, str]:
    """Wait for the refusal of a request and return its rules with their texts."""
    for _ in range(PATIENCE):
        desk.run()
        said = desk.answer(number)
        if said is not None:
            assert said.outcome == "refused"
            return {veto.rule: veto.text for veto in said.vetoes}
    raise AssertionError(f"no answer to request {number} within {PATIENCE} s:\n{desk.text()}")


def leave(desk: TroubledDesk, trouble: Trouble, way: str) -> None:
    """Leave the position by one of its ways; where no request arrives the legs at the broker do it alone."""
    if way == "stop":
        desk.run(6, bid="89")
    elif way == "target":
        desk.run(6, bid="121")
    else:
        until = desk.now.replace(hour=10, minute=2, second=0)
        while desk.now < until and desk.held():
            desk.run()
        if not trouble.reaches:
            assert desk.held() == 130, "nothing arrived"
            desk.run(6, bid="89")
    assert desk.held() == 0, desk.text()


def fill_disk(desk: TroubledDesk) -> None:
    """Let the ledger's file grow no more, as on a full disk."""
    with desk.ledger._engine.connect() as connection:
        connection.exec_driver_sql("pragma max_page_count = 1")  # SQLite takes the pages that there are
    for size in (2_000, 200, 1):
        with pytest.raises(ConfigError, match="full"):
            use_up(desk, size)


def use_up(desk: TroubledDesk, size: int) -> None:
    for number in range(1_000):
        desk.ledger.append("ballast", {"number": number, "text": "x" * size})


def free_disk(desk: TroubledDesk) -> None:
    with desk.ledger._engine.connect() as connection:
        connection.exec_driver_sql("pragma max_page_count = 1000000")


def spoil_ledger(desk: TroubledDesk) -> None:
    """Overwrite the ledger's file, as a dying disk does."""
    for path in (desk.path, desk.path.with_name(f"{desk.path.name}-wal")):
        path.write_bytes(b"\xa5" * max(4096, path.stat().st_size))
    desk.ledger._engine.dispose()


@pytest.mark.parametrize(
    ("name", "begin", "cure"),
    [
        ("full disk", fill_disk, "check the file and the disk"),
        ("corrupt ledger", spoil_ledger, "restore a copy"),
    ],
)
@pytest.mark.parametrize("way", ["stop", "time"])
def test_without_a_ledger_nothing_is_bought_and_the_alert_goes_out_all_the_same(
    name: str, begin: Begin, cure: str, way: str, tmp_path: Path
) -> None:
    trouble = Trouble(name, lambda _desk: None, "G.journal", "", "", cure)
    desk = holding(tmp_path, trouble, way)
    desk.ask(2)  # both just in time; the answer to the first is what the journal cannot take
    desk.ask(3)
    begin(desk)
    sent = desk.entries()
    desk.run(5)
    stop = next(leg for row in desk.broker.supers.values() for leg in row.legs if leg.leg is Leg.STOP)
    assert (stop.state, stop.trigger) == (BrokerState.PENDING, Decimal(90))
    leave(desk, trouble, way)
    assert desk.entries() == sent
    lines = (desk.home / "logs" / "alerts.log").read_text().splitlines()
    told = [line for line in lines if " critical " in line]
    assert len(told) == 1, lines
    assert "journal" in told[0]
    assert cure in told[0]
    if name == "full disk":
        free_disk(desk)
        desk.run(10)
        assert [row.dedupe_key for row in desk.rows()] == ["journal"]
        said = desk.answer(3)
        assert said is not None
        assert "G.journal" in {veto.rule for veto in said.vetoes}
