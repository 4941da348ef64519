import subprocess
import sys
from pathlib import Path

import pytest

from agents.domain.errors import ConfigError
from zonedesk.home import DeskHome


def test_nobody_holds_a_new_home(tmp_path: Path) -> None:
    assert DeskHome(tmp_path).running_pid() is None
    assert DeskHome(tmp_path).read_status() == {}


def test_a_held_home_names_its_holder_to_another_process(tmp_path: Path) -> None:
    home = DeskHome(tmp_path)
    ask = (
        "import sys, pathlib; from zonedesk.home import DeskHome; "
        "print(DeskHome(pathlib.Path(sys.argv[1])).running_pid())"
    )
    root = str(Path(__file__).resolve().parents[2])
    with home.held():
        words = [sys.executable, "-c", ask, str(tmp_path)]
        found = subprocess.run(words, capture_output=True, text=True, check=True, env={"PYTHONPATH": root})
        assert int(found.stdout) == int(home.lock_path.read_text())
        with pytest.raises(ConfigError, match=r"already runs.*zonedesk down"), home.held():
            pass
    assert home.running_pid() is None


def test_the_status_is_replaced_whole(tmp_path: Path) -> None:
    home = DeskHome(tmp_path)
    home.write_status({"state": "ready"})
    home.write_status({"state": "stopped"})
    assert home.read_status() == {"state": "stopped"}
    assert [path.name for path in home.run_dir.iterdir()] == ["status.json"]
