import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from agents.settings import Settings
from zonedesk.cli import app

runner = CliRunner()
COMMANDS = ("import", "simulate", "materialize", "zones", "replay", "certify", "up", "down", "status", "doctor")


def run(*words: str) -> Result:
    return runner.invoke(app, [*words])


def said(result: Result) -> Any:  # Any: JSON
    return json.loads(result.stdout)


def test_help_names_every_command_and_the_exit_codes() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.stdout
    assert "3 not ready" in result.stdout
    assert "\n  feed " not in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_json_and_a_folder(name: str) -> None:
    text = run(name, "--help").stdout
    assert "--json" in text
    assert "--data-dir" in text
    assert "--mode" in text


def test_help_loads_neither_pandas_nor_dagster() -> None:
    heavy = ("pandas", "dagster", "duckdb", "numpy")
    code = f"import sys; from zonedesk.cli import app; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_an_unknown_option_is_wrong_usage() -> None:
    assert run("zones", "--nonsense").exit_code == 2


def test_zones_has_the_documented_json(seeded: Any) -> None:
    result = run("zones", "--at", f"{seeded.last}T11:37", "--data-dir", str(seeded.settings.data_dir), "--json")
    assert result.exit_code == 0, result.output
    facts = said(result)
    assert set(facts) == {"instrument", "at", "bar", "zones"}
    assert facts["at"] == f"{seeded.last}T11:37:00+05:30"
    assert facts["bar"] == f"{seeded.last}T11:30:00+05:30"
    assert facts["zones"]
    for zone in facts["zones"]:
        assert set(zone) == {"id", "side", "low", "high", "confidence", "known_at", "components", "verdict"}
        assert zone["side"] in {"demand", "supply"}
        assert isinstance(zone["low"], int | float)
        assert zone["low"] <= zone["high"]
        assert zone["known_at"] <= facts["bar"]
        assert all(set(part) == {"kind", "id", "low", "high"} for part in zone["components"])
        assert zone["verdict"] is None or set(zone["verdict"]) == {"judge", "verdict", "probability", "reason"}


def test_a_moment_without_offset_is_indian_time(seeded: Any) -> None:
    folder = str(seeded.settings.data_dir)
    naive = said(run("zones", "--at", f"{seeded.last}T11:30", "--data-dir", folder, "--json"))
    aware = said(run("zones", "--at", f"{seeded.last}T06:00+00:00", "--data-dir", folder, "--json"))
    assert naive == aware


def test_zones_before_the_first_analysis_say_what_to_run(seeded: Any) -> None:
    result = run("zones", "--at", "2024-01-01T11:30", "--data-dir", str(seeded.settings.data_dir))
    assert result.exit_code == 0
    assert "zonedesk materialize" in result.stdout


def test_a_missing_store_is_one_sentence_with_a_cure(tmp_path: Path) -> None:
    result = run("zones", "--at", "2024-06-05T11:30", "--data-dir", str(tmp_path))
    assert result.exit_code == 1
    assert "zonedesk import" in result.stderr
    assert "Traceback" not in result.output


def test_an_error_is_json_when_json_is_asked_for(tmp_path: Path) -> None:
    result = run("zones", "--at", "2024-06-05T11:30", "--data-dir", str(tmp_path), "--json")
    assert result.exit_code == 1
    assert said(result)["error"]["kind"] == "MissingDataError"


def test_the_paper_store_is_read_where_there_is_no_replay_store(tmp_path: Path) -> None:
    run("simulate", "--sessions", "1", "--until", "2025-11-21", "--data-dir", str(tmp_path), "--mode", "paper")
    result = run("zones", "--at", "2025-11-21T11:30", "--data-dir", str(tmp_path))
    assert "no replay store" in result.stderr


def test_simulate_twice_adds_nothing(tmp_path: Path) -> None:
    words = ("simulate", "--sessions", "2", "--until", "2025-11-21", "--data-dir", str(tmp_path), "--json")
    first, again = said(run(*words)), said(run(*words))
    assert (first["first"], first["last"], first["sessions"]) == ("2025-11-20", "2025-11-21", 2)
    assert first["candles"] > 30_000
    assert (again["candles"], again["quotes"]) == (0, 0)


def test_another_simulated_market_in_the_same_store_is_refused(tmp_path: Path) -> None:
    words = ("simulate", "--sessions", "1", "--until", "2025-11-21", "--data-dir", str(tmp_path))
    run(*words)
    result = run(*words, "--seed", "8")
    assert result.exit_code == 1
    assert "holds the simulated market 7, not 8" in result.stderr


def test_a_simulated_market_goes_on_where_it_ended_and_never_before_it_began(tmp_path: Path) -> None:
    folder = ("--data-dir", str(tmp_path), "--json")
    run("simulate", "--sessions", "2", "--until", "2025-11-20", *folder)
    more = said(run("simulate", "--sessions", "2", "--until", "2025-11-21", *folder))
    assert 14_000 < more["candles"] < 18_000  # only the second of the two was new
    early = run("simulate", "--sessions", "5", "--until", "2025-11-20", *folder)
    assert "began on 2025-11-19" in said(early)["error"]["message"]


def test_import_reports_what_it_did_and_repeats_safely(tmp_path: Path) -> None:
    lines = ["ts,open,high,low,close,volume"]
    lines += [f"2024-06-05 {9 + (15 + m) // 60:02d}:{(15 + m) % 60:02d}:00,100,102,99,101,0" for m in range(375)]
    source = tmp_path / "nifty.csv"
    source.write_text("\n".join(lines))
    words = (
        "import",
        str(source),
        "--instrument",
        "NIFTY",
        "--interval",
        "1m",
        "--data-dir",
        str(tmp_path / "d"),
        "--json",
    )
    first, again = said(run(*words)), said(run(*words))
    assert first["files"][0]["rows_added"] == 375
    assert again["files"][0]["rows_added"] == 0


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    result = run("import", str(tmp_path / "none.parquet"), "--data-dir", str(tmp_path))
    assert result.exit_code == 1
    assert "none.parquet" in result.stderr


def test_materialize_repeats_without_a_change(seeded: Any) -> None:
    words = ("materialize", "--from", str(seeded.last), "--to", str(seeded.last))
    result = run(*words, "--data-dir", str(seeded.settings.data_dir), "--json")
    assert result.exit_code == 0, result.output
    facts = said(result)
    assert facts["sessions"] == 1
    for runs in facts["rows"].values():
        for counts in runs.values():
            assert (counts["rows_inserted"], counts["rows_removed"]) == (0, 0)


def test_certify_proves_and_stores_a_certificate(seeded: Any) -> None:
    words = ("certify", "--from", str(seeded.first), "--to", str(seeded.last))
    result = run(*words, "--data-dir", str(seeded.settings.data_dir), "--json")
    assert result.exit_code == 0, result.output
    facts = said(result)
    assert facts["rewritten"] == 0
    assert {row["detector"] for row in facts["certificates"]} >= {"zones", "order_blocks", "fair_value_gaps"}
    assert all(row["prefixes"] > 0 for row in facts["certificates"])


def test_status_of_a_desk_that_was_never_started_is_not_ready(tmp_path: Path) -> None:
    result = run("status", "--data-dir", str(tmp_path), "--json")
    assert result.exit_code == 3
    assert said(result)["state"] == "stopped"


def test_status_says_who_judges(tmp_path: Path) -> None:
    assert "rules, because no OPENAI_API_KEY is set" in run("status", "--data-dir", str(tmp_path)).stdout


def test_doctor_never_shows_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    result = run("doctor", "--data-dir", str(tmp_path), "--json")
    assert "sk-very-secret" not in result.output
    assert any("OPENAI_API_KEY is set" in check["found"] for check in said(result)["checks"])


def test_down_without_a_desk_is_no_error(tmp_path: Path) -> None:
    result = run("down", "--data-dir", str(tmp_path))
    assert result.exit_code == 0
    assert "does not run" in result.stdout


def test_up_refuses_another_mode(tmp_path: Path) -> None:
    result = run("up", "--mode", "live", "--data-dir", str(tmp_path))
    assert result.exit_code == 1
    assert "paper desk" in result.stderr


@pytest.mark.parametrize("speed", ["4", "fast"])
def test_a_wrong_setting_is_named_as_people_set_it(speed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZONEDESK_SIMULATION_SPEED", speed)
    result = run("status", "--data-dir", str(tmp_path))
    assert result.exit_code == 1
    assert "ZONEDESK_SIMULATION_SPEED: Input should be 1, 3, 5, 15 or 20" in result.stderr


@pytest.mark.parametrize("speed", ["1", "3", "5", "15", "20"])
def test_the_simulation_speed_comes_from_the_environment(speed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZONEDESK_SIMULATION_SPEED", speed)
    assert Settings().simulation_speed == int(speed)
