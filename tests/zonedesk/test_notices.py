"""What commands and the supervisor tell: results on standard output, the rest beside it and in the desk's log."""

import json
import logging
from pathlib import Path

import pytest

from agents.settings import Settings
from zonedesk.home import DeskHome
from zonedesk.notices import Notices
from zonedesk.shell import Shell


def logged(settings: Settings) -> list[dict[str, str]]:
    text = (settings.home / "logs" / "zonedesk.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, mode="paper")


def test_a_command_logs_beside_its_output(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(as_json=True)
    shell.logs(settings, "import")
    log = logging.getLogger("agents.data")
    log.info("a file was read")
    log.warning("a file was odd")
    shell.result({"files": 1}, "one file")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"files": 1}
    assert "a file was odd" in said.err
    assert "a file was read" not in said.err
    assert [(line["process"], line["event"]) for line in logged(settings)] == [
        ("import", "a file was read"),
        ("import", "a file was odd"),
    ]


def test_a_log_that_cannot_be_made_costs_only_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "paper").write_text("a file where the folder should be")
    Shell(as_json=False).logs(Settings(data_dir=tmp_path, mode="paper"), "import")
    assert "nothing of this is logged" in capsys.readouterr().err


def test_the_supervisor_tells_people_its_file_and_the_log(settings: Settings) -> None:
    said: list[str] = []
    home = DeskHome.of(settings)
    notices = Notices(home, said.append)
    notices.keep_a_log(settings)
    home.run_dir.mkdir(parents=True)
    notices.turn("ready")
    notices.tell("guardian is ready")
    assert said == ["guardian is ready"]
    status = home.read_status()
    assert (status["state"], status["message"], status["services"]) == ("ready", "guardian is ready", [])
    assert [(line["process"], line["event"]) for line in logged(settings)] == [("desk", "guardian is ready")]
    assert not notices.refresh()
