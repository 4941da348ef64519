import json
import socket
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.data.preflight import Finding, State
from agents.settings import Settings
from tests.agents.data.dhan.venues import Venue, running_venue
from zonedesk.cli import app
from zonedesk.doctor import check_proof, check_special_days, examine, findings_text
from zonedesk.judges import judge_in_words


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(settings)}


def settings(folder: Path, **more: object) -> Settings:
    quiet = {"openai_api_key": None, "exchange_port": 39_119}  # where nothing listens
    return Settings(mode="paper", data_dir=folder, **{**quiet, **more})  # type: ignore[arg-type]  # fields by name


def test_a_healthy_machine_has_no_bad_finding_and_is_left_untouched(tmp_path: Path) -> None:
    checks = found(settings(tmp_path, dagster_port=39_117, dashboard_port=39_118))
    assert {name for name, check in checks.items() if check.state is not State.OK} <= {
        "disk",
        "calendar",
        "special days",
    }
    assert "starts with the desk" in checks["broker"].found
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        check = found(settings(tmp_path, dashboard_port=port))["ports"]
    assert not check.ok
    assert f"{port} (ZONEDESK_DASHBOARD_PORT)" in check.found


def test_real_money_without_a_record_is_warned_of(tmp_path: Path) -> None:
    where = settings(tmp_path)
    assert "judge's record" not in found(where)
    assert "200 outcomes" in check_proof(where).found
    warned = check_proof(settings(tmp_path, live_unproven=True))
    assert warned.state is State.WARN
    assert "unset ZONEDESK_LIVE_UNPROVEN" in warned.cure


def test_a_list_of_special_days_that_ends_is_named_with_its_cure(tmp_path: Path) -> None:
    where, today = settings(tmp_path), date(2026, 2, 1)
    ending = check_special_days(where, today)
    assert ending.state is State.WARN
    assert "until 2026-02-06" in ending.found
    assert str(tmp_path / "special_days.csv") in ending.cure
    added = tmp_path / "special_days.csv"
    added.write_text("date,kind,name,source\n2026-03-03,none,nothing until here,a test\n")
    assert check_special_days(where, today).state is State.OK
    added.write_text("date,kind,name,source\n2026-03-03,fair,a fair,a test\n")
    broken = check_special_days(where, today)
    assert broken.state is State.FAIL
    assert "line 2: give a kind out of" in broken.found


def test_a_damaged_store_is_a_bad_finding(tmp_path: Path) -> None:
    where = settings(tmp_path)
    where.home.mkdir(parents=True)
    where.store_path.write_bytes(b"this is no database" * 100)
    assert not found(where)["store"].ok


def test_a_model_without_key_or_server_is_a_bad_finding(tmp_path: Path) -> None:
    assert not found(settings(tmp_path, judge="openai"))["judge"].ok


def test_the_judge_is_said_in_words(tmp_path: Path) -> None:
    assert judge_in_words(settings(tmp_path)) == "rules, because no OPENAI_API_KEY is set"
    local = settings(tmp_path, openai_base_url="http://127.0.0.1:9/v1")
    assert "http://127.0.0.1:9/v1" in judge_in_words(local)
    assert "recorded" in judge_in_words(local.model_copy(update={"mode": "replay"}))
    assert judge_in_words(settings(tmp_path, judge="rules")) == "rules, because ZONEDESK_JUDGE says so"


def test_each_bad_finding_is_a_line_and_its_cure() -> None:
    findings = [
        Finding(name="disk", state=State.OK, found="9.0 GB free"),
        Finding(name="token", state=State.WARN, found="lives until noon", cure="make another"),
    ]
    assert findings_text(findings).splitlines() == [
        "ok   disk   9.0 GB free",
        "WARN token  lives until noon",
        "            -> make another",
    ]


@pytest.mark.process
def test_the_command_says_what_a_broken_account_lacks_and_ends_with_its_code(tmp_path: Path) -> None:
    def doctor(venue: Venue) -> tuple[int, dict[str, dict[str, str]], str]:
        result = CliRunner().invoke(app, ["doctor", "--data-dir", str(tmp_path), "--json"], env=environment(venue))
        checks = {each["name"]: each for each in json.loads(result.stdout)["checks"]}
        return result.exit_code, checks, result.output

    with running_venue() as venue:
        venue.seed_token(settings(tmp_path))
        code, checks, said = doctor(venue)
        assert (code, checks["token"]["state"]) == (0, "ok"), said
        venue.control("PATCH", "/clients/1000000001", {"data_plan": False})
        venue.fault("clock_skew", times=None)
        code, checks, said = doctor(venue)
        assert code == 3
        assert {name for name, each in checks.items() if each["state"] == "fail"} == {"clock", "data plan"}
        assert "Data APIs" in checks["data plan"]["cure"]
        token = json.loads((tmp_path / "paper" / "dhan" / "token.json").read_text(encoding="utf-8"))["token"]
        assert not any(part in said for part in token.split(".")[1:])


def environment(venue: Venue) -> dict[str, str]:
    ports = {"EXCHANGE": venue.port, "DAGSTER": 39_122, "DASHBOARD": 39_123}
    return {f"ZONEDESK_{name}_PORT": str(port) for name, port in ports.items()}
