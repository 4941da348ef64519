"""The way to the broker, whole and with everything wrong that can be: each line names the trouble and its cure."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from agents.data.agent import DataCollectionAgent
from agents.data.dhan.account import Addresses
from agents.data.dhan.credentials import Profile
from agents.data.dhan.token import TokenFile
from agents.data.preflight import Finding, Probe, State, broker_findings
from agents.data.preflight.broker import check_addresses, check_clock, check_plan
from agents.settings import Settings
from tests.agents.data.dhan.venues import Venue, agent_on, running_venue

DAY = date(2026, 11, 19)
NOW = datetime(2026, 11, 20, 6, 0, 0, 500_000, tzinfo=UTC)


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with running_venue() as made:
        made.control("PUT", "/limits", {"enforced": False})
        yield made


@pytest.fixture
def agent(venue: Venue, tmp_path: Path) -> DataCollectionAgent:
    venue.control("DELETE", "/faults")
    venue.control("PATCH", "/clients/1000000001", {"data_plan": True, "needs_ip": False})
    return agent_on(venue, tmp_path)


def wall() -> datetime:
    return datetime.now(UTC)


def found(venue: Venue, folder: Path, **more: object) -> dict[str, Finding]:
    settings = Settings.model_validate({"mode": "paper", "data_dir": folder, "exchange_port": venue.port, **more})
    return {each.name: each for each in broker_findings(Probe(settings, wall, DAY))}


def token(folder: Path, ends: datetime) -> None:
    claims = json.dumps({"exp": int(ends.timestamp()), "dhanClientId": "1000000001"}).encode()
    text = ".".join(["paper", "e30", base64.urlsafe_b64encode(claims).decode().rstrip("="), "c2lnbmF0dXJl"])
    TokenFile(folder / "paper" / "dhan" / "token.json").write(SecretStr(text), NOW)


@pytest.mark.process
@pytest.mark.usefixtures("agent")
def test_a_healthy_exchange_has_a_line_for_each_check(venue: Venue, tmp_path: Path) -> None:
    checks = found(venue, tmp_path)
    assert list(checks) == ["broker", "clock", "token", "data plan", "address", "master"]
    assert {name for name, check in checks.items() if check.state is not State.OK} == {"master"}
    assert "are not here yet" in checks["master"].found


@pytest.mark.process
def test_the_master_of_the_day_is_read_and_a_changed_one_fails(
    venue: Venue, agent: DataCollectionAgent, tmp_path: Path
) -> None:
    agent.dhan.masters.of(DAY)
    master = found(venue, tmp_path)["master"]
    assert (master.state, master.found) == (State.OK, f"of {DAY}; NIFTY expires on 2026-11-23")
    [path] = (tmp_path / "paper" / "dhan" / "instruments").glob("NSE_FNO-*")
    path.write_bytes(gzip.compress(b"SOME,OTHER,COLUMNS\n1,2,3\n"))
    changed = found(venue, tmp_path)["master"]
    assert changed.state is State.FAIL
    assert "asked for again" in changed.cure


@pytest.mark.process
@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize(
    ("script", "line"),
    [
        (("invalid_token", "GET /v2/profile"), ("token", "Invalid Token", "restart the desk")),
        (("invalid_ip", "GET /v2/ip/getIP"), ("address", "Invalid IP", "register this machine's IP address")),
        (("invalid_ip", "GET /v2/profile"), ("address", "Invalid IP", "register this machine's IP address")),
        (("clock_skew", "GET /v2/profile"), ("clock", r"differs from the broker's by -(89|90)\.\d s", "time service")),
        (("gateway_error", "GET /v2/profile"), ("broker", "refuses the profile", "wait a minute")),
        (("html_200", "GET /v2/profile"), ("broker", "refuses the profile", "wait a minute")),
        (("rate_limited", "GET /v2/profile"), ("broker", "Too many", "wait a minute")),
    ],
)
def test_a_fault_is_one_line_and_a_cure(
    venue: Venue, tmp_path: Path, script: tuple[str, str], line: tuple[str, str, str]
) -> None:
    name, words, cure = line
    venue.fault(*script, times=None)
    checks = found(venue, tmp_path)
    assert {each for each, check in checks.items() if check.state is State.FAIL} == {name}
    assert re.search(words, checks[name].found, re.IGNORECASE)
    assert cure in checks[name].cure


@pytest.mark.process
@pytest.mark.usefixtures("agent")
def test_an_account_without_a_data_plan_fails(venue: Venue, tmp_path: Path) -> None:
    venue.control("PATCH", "/clients/1000000001", {"data_plan": False})
    checks = found(venue, tmp_path)
    assert {name for name, check in checks.items() if not check.ok} == {"data plan"}
    assert "subscribe to Data APIs" in checks["data plan"].cure


@pytest.mark.process
def test_no_check_makes_a_token_or_a_file(venue: Venue, tmp_path: Path) -> None:
    before = venue.control("GET", "/state")["clients"]
    checks = found(venue, tmp_path)
    assert checks["token"].found.startswith("none yet")
    assert list(checks) == ["broker", "clock", "token", "master"]
    assert list(tmp_path.iterdir()) == []
    assert venue.control("GET", "/state")["clients"] == before


def test_nobody_listening_fails_only_where_an_answer_is_needed(tmp_path: Path) -> None:
    settings = Settings(mode="paper", data_dir=tmp_path, exchange_port=39_120)
    [broker, *_] = broker_findings(Probe(settings, wall, DAY))
    assert (broker.name, broker.state) == ("broker", State.FAIL)
    [broker, *rest] = broker_findings(Probe(settings, wall, DAY, needed=False))
    assert "starts with the desk" in broker.found
    assert {each.state for each in (broker, *rest)} == {State.OK}


@pytest.mark.parametrize(
    ("hours", "state"), [(-1, State.WARN), (0.5, State.WARN), (20, State.OK)], ids=["over", "ending", "good"]
)
def test_the_end_of_a_token_is_read_from_itself(tmp_path: Path, hours: float, state: State) -> None:
    token(tmp_path, wall() + timedelta(hours=hours))
    settings = Settings(mode="paper", data_dir=tmp_path, exchange_port=39_120)
    checks = {each.name: each for each in broker_findings(Probe(settings, wall, DAY))}
    assert checks["token"].state is state
    assert "lives until" in checks["token"].found


def test_a_replay_without_an_account_asks_nobody(tmp_path: Path) -> None:
    settings = Settings.model_validate({"mode": "replay", "data_dir": tmp_path, "DHAN_CLIENT_ID": None})
    assert list(broker_findings(Probe(settings, wall, DAY))) == []


def test_live_mode_without_an_account_fails_with_the_cure(tmp_path: Path) -> None:
    settings = Settings.model_validate({"mode": "live", "data_dir": tmp_path, "DHAN_CLIENT_ID": None})
    [broker] = broker_findings(Probe(settings, wall, DAY))
    assert broker.state is State.FAIL
    assert "DHAN_CLIENT_ID is not set" in broker.found


@pytest.mark.parametrize(
    ("served", "state"),
    [(0, State.OK), (-1, State.OK), (1, State.OK), (-3, State.FAIL), (3, State.FAIL)],
)
def test_clocks_may_differ_by_a_second(served: int, state: State) -> None:
    at = NOW.replace(microsecond=0) + timedelta(seconds=served)
    assert check_clock(at, NOW, NOW + timedelta(milliseconds=50)).state is state


def test_a_slow_answer_proves_no_skew() -> None:
    assert check_clock(NOW.replace(microsecond=0), NOW - timedelta(seconds=4), NOW).state is State.OK
    assert check_clock(None, NOW, NOW).state is State.WARN


@pytest.mark.parametrize(
    ("until", "state"),
    [(None, State.OK), (date(2026, 12, 20), State.OK), (date(2026, 11, 21), State.WARN), (DAY, State.FAIL)],
)
def test_a_data_plan_that_ends_is_told_before_it_does(until: date | None, state: State) -> None:
    profile = Profile(
        client_id="1", token_valid_until=NOW, data_plan_active=True, data_valid_until=until, segments=("D",)
    )
    assert check_plan(profile, NOW).state is state


def test_addresses_are_compared_with_the_registered_ones_and_the_settings() -> None:
    def said(primary: str | None, detected: str | None, allowed: bool | None, wanted: str | None = None) -> Finding:  # noqa: FBT001 - a row of a table
        addresses = Addresses(primary=primary, secondary=None, detected=detected, orders_allowed=allowed)
        return check_addresses(addresses, wanted, is_paper=False)

    assert said("10.0.0.1", "10.0.0.1", True).state is State.OK
    assert said("10.0.0.1", "10.0.0.2", None).state is State.FAIL
    assert said("10.0.0.1", "10.0.0.1", False).state is State.FAIL
    assert "ZONEDESK_STATIC_IP is 10.0.0.9" in said("10.0.0.1", "10.0.0.1", True, "10.0.0.9").found
    nobody = said(None, "10.0.0.1", None)
    assert nobody.state is State.FAIL
    assert "register 10.0.0.1" in nobody.cure
