import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.data.ledger import Command, Heartbeat
from agents.domain.cycle import DeskState
from agents.settings import Settings
from ui.banners import Banner, banners, resumption
from ui.snapshot import DeskView, Feed, Picture, Snapshot

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def told(desk: DeskView, *, is_open: bool = True, problem: str = "", after: float = 0.0) -> list[Banner]:
    opens = NOW + timedelta(hours=20)
    market = Snapshot("NIFTY", "paper", is_simulated=False, now=NOW, is_open=is_open, next_open=opens, problem=problem)
    return banners(Picture(market, desk, NOW, 1), NOW + timedelta(seconds=after), "zonedesk resume")


def feed(silent: float, *, connected: bool = True, **facts: object) -> Feed:
    return Feed(connected=connected, expected=True, silent=silent, trouble="", facts=facts)


def beat(pid: int) -> Heartbeat:
    return Heartbeat(name="guardian", at=NOW, facts={"pid": pid})


def test_a_desk_that_is_well_says_nothing() -> None:
    assert told(DeskView(state=DeskState.ACTIVE, feed=feed(0.3), guardian_age=1.0)) == []


@pytest.mark.parametrize("silent", [feed(4.1), feed(0.1, connected=False), feed(1e9), feed(0.1, stale=True)])
def test_a_silent_feed_is_stale_only_while_the_market_is_open(silent: Feed) -> None:
    desk = DeskView(state=DeskState.ACTIVE, feed=silent)
    assert [banner.level for banner in told(desk) if "STALE" in banner.text] == ["error"]
    assert not [banner for banner in told(desk, is_open=False) if "STALE" in banner.text]


def test_a_guardian_without_a_sign_of_life_is_named() -> None:
    (banner,) = told(DeskView(state=DeskState.ACTIVE, guardian_age=6.5))
    assert "NO GUARDIAN" in banner.text


@pytest.mark.parametrize(("before", "words"), [(3.1, "silent for 4 s"), (4.5, "silent for 6 s")])
def test_the_silence_grows_until_it_is_drawn(before: float, words: str) -> None:
    assert told(DeskView(feed=feed(2.9)), after=1.0) == []
    (banner,) = told(DeskView(feed=feed(before)), after=1.0)
    assert words in banner.counted


def test_an_old_picture_blames_no_feed_for_its_own_age() -> None:
    (banner,) = told(DeskView(feed=feed(0.5), guardian_age=0.5), after=30.0)
    assert banner.counted == "this page was last read 30 s ago"


@pytest.mark.parametrize(
    ("pid", "state", "words"),
    [(None, "waiting", "is being started again"), (8, "ready", "being started again"), (None, "failed", "stays down")],
)
def test_a_process_that_ended_is_named_although_its_last_word_is_fresh(pid: int | None, state: str, words: str) -> None:
    services = tuple({"name": name, "pid": pid, "state": state} for name in ("feed", "guardian"))
    desk = DeskView(feed=feed(0.2, pid=7), heartbeats=(beat(7),), guardian_age=0.2, services=services)
    stale, unguarded = told(desk)
    assert stale.text.startswith("STALE: the feed's process")
    assert unguarded.text.startswith("NO GUARDIAN: its process")
    assert words in stale.text
    assert words in unguarded.text


def test_processes_whose_word_is_shown_are_well() -> None:
    services = tuple({"name": name, "pid": 7, "state": "ready"} for name in ("feed", "guardian"))
    assert told(DeskView(feed=feed(0.2, pid=7), heartbeats=(beat(7),), guardian_age=1.0, services=services)) == []


def test_what_lets_a_desk_trade_again_can_be_typed_as_it_stands(tmp_path: Path) -> None:
    settings = Settings(mode="paper", data_dir=tmp_path / "my desk")
    words = shlex.split(resumption(settings))
    assert words[:3] == ["zonedesk", "resume", "--data-dir"]
    assert words[3:] == [str(tmp_path / "my desk"), "--mode", "paper", "--confirm", "resume paper"]


def test_halted_and_paused_say_what_becomes_of_open_positions() -> None:
    (halted,) = told(DeskView(state=DeskState.HALTED, reason="asked by dashboard"))
    assert halted.level == "error"
    assert "keeps its stop" in halted.text
    assert "zonedesk resume" in halted.text
    assert "asked by dashboard" in halted.text
    (paused,) = told(DeskView(state=DeskState.REDUCING))
    assert "keep their stops" in paused.text


def test_a_closed_market_says_when_it_opens() -> None:
    (banner,) = told(DeskView(state=DeskState.ACTIVE), is_open=False)
    assert "24 Nov 2026" in banner.text


def test_a_command_that_nobody_hears_is_told_and_one_that_is_done_is_not() -> None:
    asked = Command(
        id="halt-1", seq=1, kind="halt", payload={}, asked_by="dashboard", asked_at=NOW - timedelta(seconds=9)
    )
    (banner,) = told(DeskView(state=DeskState.ACTIVE, commands=(asked,)))
    assert "not acknowledged" in banner.text
    done = asked.model_copy(update={"done_at": NOW, "outcome": "done"})
    assert told(DeskView(state=DeskState.ACTIVE, commands=(done,))) == []


def test_a_picture_that_is_not_renewed_says_its_age() -> None:
    (banner,) = told(DeskView(state=DeskState.ACTIVE), after=6.0)
    assert "6 s ago" in banner.counted


def test_what_is_spoken_does_not_change_while_only_seconds_pass() -> None:
    asked = Command(
        id="halt-1", seq=1, kind="halt", payload={}, asked_by="dashboard", asked_at=NOW - timedelta(seconds=9)
    )
    desk = DeskView(state=DeskState.ACTIVE, feed=feed(9.0), guardian_age=9.0, commands=(asked,))
    for first, then in ((0.0, 2.0), (7.0, 90.0)):
        before, after = told(desk, after=first), told(desk, after=then)
        assert [banner.text for banner in before] == [banner.text for banner in after]
        assert len(before) >= 3
        assert [banner.counted for banner in before] != [banner.counted for banner in after]


def test_the_gravest_comes_first() -> None:
    found = told(DeskView(state=DeskState.REDUCING, feed=feed(30.0)), problem="the store is damaged")
    assert [banner.level for banner in found] == ["error", "warning", "warning"]
