"""The files that run the desk as a service."""

import configparser
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.data.ledger import Ledger
from agents.settings import Settings
from zonedesk.notices import STATUS_SECONDS

DEPLOY = Path(__file__).parents[2] / "deploy"


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read(DEPLOY / "systemd" / name)
    return parser


def test_the_watchdog_waits_for_many_signs_of_life() -> None:
    service = unit("desk.service")["Service"]
    assert service["Type"] == "notify"
    assert float(service["WatchdogSec"]) >= 10 * STATUS_SECONDS


def test_what_a_unit_starts_exists() -> None:
    script = unit("ledger-backup.service")["Service"]["ExecStart"].split()[0]
    assert (DEPLOY / Path(script).name).stat().st_mode & 0o100


def backup(data: Path, backups: Path) -> subprocess.CompletedProcess[str]:
    command = [str(DEPLOY / "backup-ledger.sh"), str(data), str(backups)]
    environment = {"PATH": "/usr/bin:/bin", "ZONEDESK_PYTHON": sys.executable}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_backup_of_a_ledger_in_use_is_sound_and_complete(tmp_path: Path) -> None:
    path = Settings(data_dir=tmp_path / "data", mode="paper").ledger_path
    ledger = Ledger.open(path, "paper", now=lambda: datetime.now(UTC))
    for number in range(5):
        ledger.append("note", {"number": number})
    made = backup(tmp_path / "data", tmp_path / "backups")
    ledger.close()
    assert made.returncode == 0, made.stderr
    copy = Ledger.open(Path(made.stdout.strip()), "paper", now=lambda: datetime.now(UTC))
    assert copy.verify().sound
    assert len(copy.events("note")) == 5
    copy.close()


def test_a_damaged_ledger_is_no_backup(tmp_path: Path) -> None:
    path = Settings(data_dir=tmp_path / "data", mode="paper").ledger_path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"nothing of the kind" * 300)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("select * from event")
    assert backup(tmp_path / "data", tmp_path / "backups").returncode != 0
    assert not list((tmp_path / "backups").glob("*.sqlite"))
