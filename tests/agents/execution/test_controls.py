import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import grimp
import pytest

from agents.data.ledger import Ledger
from agents.domain.cycle import DeskState
from agents.domain.errors import ConfigError
from agents.execution.controls import (
    HALT_FILE,
    Tightening,
    halt_reason,
    loosen,
    phrase,
    standing,
    stricter,
    tighten,
    write_halt,
)
from agents.execution.guardian.ports import CommandKind
from agents.execution.service.outlets import LedgerControls

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2025, 11, 21, 6, 0, tzinfo=UTC)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    found = Ledger.in_memory("paper", now=lambda: NOW)
    yield found
    found.close()


@pytest.mark.parametrize("one", DeskState)
@pytest.mark.parametrize("kind", Tightening)
def test_tightening_never_loosens(ledger: Ledger, one: DeskState, kind: Tightening) -> None:
    ledger.set_desk_state(one, "before", by="a test")
    state, _ = tighten(ledger, kind, "enough", by="a test", command_id="c1")
    assert ledger.desk_state() is state
    assert stricter(state, one) is state


def test_a_wish_is_a_command_and_an_event(ledger: Ledger) -> None:
    asked = tighten(ledger, Tightening.FLATTEN, "enough", by="the dashboard", command_id="c1")
    again = tighten(ledger, Tightening.FLATTEN, "enough", by="the dashboard", command_id="c2")
    assert (asked.state, asked.command_id, again.command_id) == (DeskState.HALTED, "c1", "c1")
    [command] = ledger.commands.pending()
    assert (command.kind, command.payload) == ("flatten", {"reason": "enough"})
    said = ledger.events("desk_state")[0].payload
    assert (said["state"], said["reason"], said["by"]) == ("halted", "enough", "the dashboard")


def test_the_file_halts_whatever_the_ledger_says(tmp_path: Path, ledger: Ledger) -> None:
    assert halt_reason(tmp_path) == ""
    assert standing(ledger, tmp_path) == (DeskState.ACTIVE, "")
    write_halt(tmp_path, "smoke")
    write_halt(tmp_path, "fire")
    assert "smoke" in halt_reason(tmp_path)
    state, why = standing(ledger, tmp_path)
    assert state is DeskState.HALTED
    assert "smoke" in why


def test_a_file_that_cannot_be_read_halts(tmp_path: Path) -> None:
    (tmp_path / HALT_FILE).mkdir()
    assert "cannot be read" in halt_reason(tmp_path)


def test_an_empty_file_halts(tmp_path: Path) -> None:
    (tmp_path / HALT_FILE).touch()
    assert "no reason given" in halt_reason(tmp_path)


def test_a_folder_that_cannot_be_written_is_named_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(ConfigError, match="zonedesk down"):
        write_halt(tmp_path / "home", "smoke")


def test_only_the_typed_phrase_lets_a_desk_trade_again(tmp_path: Path, ledger: Ledger) -> None:
    write_halt(tmp_path, "smoke")
    tighten(ledger, Tightening.HALT, "smoke", by="a test", command_id="c1")
    for typed in ("", "yes", "resume", "resume live"):
        with pytest.raises(ConfigError, match="resume paper"):
            loosen(ledger, tmp_path, "paper", typed=typed, reason="over", by="a test")
    assert standing(ledger, tmp_path)[0] is DeskState.HALTED
    loosen(ledger, tmp_path, "paper", typed=phrase("paper"), reason="over", by="a test")
    assert standing(ledger, tmp_path) == (DeskState.ACTIVE, "")


def test_a_command_row_that_would_loosen_is_refused(tmp_path: Path, ledger: Ledger) -> None:
    controls = LedgerControls(ledger, tmp_path / HALT_FILE)
    ledger.set_desk_state(DeskState.HALTED, "smoke", by="a test")
    ledger.commands.ask("r1", CommandKind.RESUME.value, {}, by="a dashboard")
    assert not controls.commands()
    controls.set_desk_state(DeskState.ACTIVE, "a trick")
    assert ledger.desk_state() is DeskState.HALTED
    command = ledger.commands.find("r1")
    assert command is not None
    assert command.outcome is not None
    assert command.outcome.startswith("refused")


def test_a_row_that_asks_to_resume_is_done_once_the_command_line_has_resumed(tmp_path: Path, ledger: Ledger) -> None:
    controls = LedgerControls(ledger, tmp_path)
    ledger.commands.ask("r1", CommandKind.RESUME.value, {}, by="a test")
    write_halt(tmp_path, "smoke")
    assert not controls.commands()
    loosen(ledger, tmp_path, "paper", typed=phrase("paper"), reason="over", by="a test")
    ledger.commands.ask("r2", CommandKind.RESUME.value, {}, by="a test")
    assert not controls.commands()
    outcomes = {command.id: command.outcome for command in ledger.commands.recent(2)}
    assert (outcomes["r1"] or "").startswith("refused")
    assert outcomes["r2"] == "done: active"


def test_no_import_leads_from_the_dashboard_to_what_loosens() -> None:
    graph = grimp.build_graph("ui", "agents", "pipelines")
    assert not graph.chain_exists("ui", "agents.execution.controls", as_packages=True)
    loosening = {"set_desk_state", "loosen"}
    for path in sorted((ROOT / "ui").rglob("*.py")):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}
        assert not names & loosening, path
