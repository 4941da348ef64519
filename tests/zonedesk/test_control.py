"""The commands `halt`, `resume` and `flatten`: they work when everything else is dead."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agents.bootstrap import open_ledger
from agents.domain.cycle import DeskState
from agents.execution.controls import HALT_FILE
from agents.settings import Settings
from zonedesk.cli import app
from zonedesk.shell import wall_now

runner = CliRunner()


def run(folder: Path, *words: str) -> Result:
    return runner.invoke(app, [*words, "--data-dir", str(folder), "--mode", "paper"])


def state(folder: Path) -> DeskState:
    ledger = open_ledger(Settings(mode="paper", data_dir=folder), now=wall_now)
    found = ledger.desk_state()
    ledger.close()
    return found


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    open_ledger(Settings(mode="paper", data_dir=tmp_path), now=wall_now).close()
    return tmp_path


def test_halt_writes_the_file_the_ledger_and_a_command(desk: Path) -> None:
    result = run(desk, "halt", "--reason", "smoke", "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert (facts["state"], facts["ledger"], facts["guardian"]) == ("halted", True, None)
    assert "smoke" in (desk / "paper" / HALT_FILE).read_text(encoding="utf-8")
    assert state(desk) is DeskState.HALTED


def test_halt_works_without_a_ledger(tmp_path: Path) -> None:
    result = run(tmp_path, "halt")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "paper" / HALT_FILE).exists()
    assert "the ledger was not told" in result.stderr


def test_halt_works_with_a_ledger_that_is_no_ledger(desk: Path) -> None:
    (desk / "paper" / "ledger.sqlite").write_bytes(b"not a database at all" * 100)
    result = run(desk, "halt")
    assert result.exit_code == 0, result.output
    assert (desk / "paper" / HALT_FILE).exists()


def test_flatten_without_a_guardian_says_that_nothing_was_sold(desk: Path) -> None:
    result = run(desk, "flatten")
    assert result.exit_code == 3
    assert "rests on its stop and target" in result.stderr
    ledger = open_ledger(Settings(mode="paper", data_dir=desk), now=wall_now)
    assert [command.kind for command in ledger.commands.pending()] == ["flatten"]
    ledger.close()


def test_the_guardians_word_is_passed_on(desk: Path) -> None:
    ledger = open_ledger(Settings(mode="paper", data_dir=desk), now=wall_now)
    ledger.heartbeats.beat("guardian", {})
    ledger.commands.ask("c1", "flatten", {"reason": "by hand"}, by="somebody else")
    ledger.commands.done("c1", "done: halted")
    ledger.close()
    result = run(desk, "flatten", "--wait", "0.2")
    assert result.exit_code == 3
    assert "has not acknowledged" in result.stderr


def test_resume_needs_the_phrase(desk: Path) -> None:
    run(desk, "halt")
    refused = run(desk, "resume", "--confirm", "yes")
    assert refused.exit_code == 1
    assert 'type exactly: --confirm "resume paper"' in refused.stderr
    assert state(desk) is DeskState.HALTED
    assert run(desk, "resume", "--confirm", "resume paper").exit_code == 0
    assert state(desk) is DeskState.ACTIVE
    assert not (desk / "paper" / HALT_FILE).exists()
