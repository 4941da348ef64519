"""The desk's log: complete, readable by machines and people, and without secrets."""

import gzip
import json
import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agents.data.dhan.redaction import HIDDEN
from agents.ops.about import about
from agents.ops.logs import configure_logs
from agents.ops.sweep import sweep
from agents.settings import Settings

TOKEN = "eyJhbGciOiJIUzUxMiJ9.eyJkaGFuQ2xpZW50SWQiOiIxIn0.c2lnbmF0dXJl"  # the shape of one
KEY = "sk-proj-4Qd8sVt2mN6pXw1zRk9y"
BOT = "7123456789:AAFm2Kq9x7Zt4Lw8vB1nC5dE0gH3jR6yTuI"
PLANTED = "Zq7-very-own-secret"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, mode="paper", openai_api_key=SecretStr(PLANTED), alert_urls=(SecretStr(f"tgram://{BOT}/1"),)
    )


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def log_file(settings: Settings) -> Path:
    return settings.home / "logs" / "zonedesk.log"


def lines(settings: Settings) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log_file(settings).read_text(encoding="utf-8").splitlines()]


def test_a_line_says_when_who_how_bad_and_what(settings: Settings) -> None:
    configure_logs(settings, "guardian", console=False)
    logging.getLogger("agents.execution").info("sent %d of %s", 2, "lots")
    [line] = lines(settings)
    assert datetime.fromisoformat(line.pop("at")).tzinfo is not None
    assert line == {"event": "sent 2 of lots", "level": "info", "logger": "agents.execution", "process": "guardian"}


def test_a_line_says_what_it_is_about(settings: Settings) -> None:
    configure_logs(settings, "guardian", console=False)
    log = logging.getLogger("agents.execution")
    with about(cycle_id="c1"), about(setup_id="s1", correlation_id="k1"):
        log.info("inside")
    log.info("outside")
    inside, outside = lines(settings)
    assert (inside["cycle_id"], inside["setup_id"], inside["correlation_id"]) == ("c1", "s1", "k1")
    assert not {"run_id", "cycle_id", "setup_id"} & set(outside)


def test_configuring_twice_does_not_log_twice(settings: Settings) -> None:
    configure_logs(settings, "feed", console=False)
    configure_logs(settings, "feed", console=False)
    logging.getLogger("agents").info("once")
    assert len(lines(settings)) == 1


def test_libraries_are_heard_from_warnings_on(settings: Settings) -> None:
    configure_logs(settings, "feed", console=False)
    logging.getLogger("httpx").info("GET https://host/?token=abcdef")
    logging.getLogger("httpx").warning("retrying")
    assert [line["event"] for line in lines(settings)] == ["retrying"]


def leak() -> None:
    local = PLANTED + " in a local"
    raise RuntimeError(f"refused {TOKEN} for {len(local)}")


def spoil(log: logging.Logger) -> None:
    """Log every secret in every place where one can stand."""
    log.warning("header access-token: %s", TOKEN)
    log.warning("key %s and bot %s", KEY, BOT)
    log.warning("planted %s", PLANTED)
    log.warning({"password": "hunter2hunter2", "nested": {"deep": PLANTED}})
    log.warning("extra", extra={"headers": {"authorization": f"Bearer {TOKEN}", "list": [PLANTED]}})
    log.warning('reply {"pin": "4711", "totp": "998877", "api_key": "%s"}', KEY)
    try:
        leak()
    except RuntimeError:
        log.exception("it failed")


SECRETS = (TOKEN, KEY, BOT, PLANTED, "hunter2hunter2", "4711", "998877")


def test_no_secret_is_in_the_file_or_on_the_console(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(settings, "guardian")
    spoil(logging.getLogger("somebody.elses"))
    text = log_file(settings).read_text(encoding="utf-8") + capsys.readouterr().err
    assert [secret for secret in SECRETS if secret in text] == []
    assert HIDDEN in text
    assert len(lines(settings)) == 7


def test_a_traceback_is_kept_without_local_variables(settings: Settings) -> None:
    configure_logs(settings, "guardian", console=False)
    spoil(logging.getLogger("somebody.elses"))
    trace = lines(settings)[-1]["exception"]
    assert "in leak" in trace
    assert "RuntimeError: refused" in trace
    assert "in a local for" not in trace
    assert "local = " not in trace


def test_the_console_shows_lines_for_people(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(settings, "guardian")
    with about(setup_id="s1"):
        logging.getLogger("agents.execution").error("the broker is silent")
    said = capsys.readouterr().err
    assert said[8:] == " guardian ERROR   the broker is silent setup_id=s1 (agents.execution)\n"


def test_a_line_that_redaction_would_break_stays_json(settings: Settings) -> None:
    configure_logs(settings, "guardian", console=False)
    logging.getLogger("agents").info("password=%s", 'abc\\"def')
    assert HIDDEN in json.dumps(lines(settings))


@pytest.mark.process
def test_six_processes_lose_no_line_over_many_rotations(tmp_path: Path) -> None:
    each, module = 400, "tests.agents.ops.noisy_process"
    names = [f"p{number}" for number in range(6)]
    command = [sys.executable, "-m", module, str(tmp_path)]
    processes = [subprocess.Popen([*command, name, str(each)]) for name in names]
    assert [process.wait(120) for process in processes] == [0] * 6
    seen: Counter[tuple[str, str]] = Counter()
    files = sorted((tmp_path / "paper" / "logs").glob("zonedesk.log*"))
    for path in files:
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for line in text.decode().splitlines():
            said = json.loads(line)
            seen[said["process"], said["event"]] += 1
    assert len(files) > 5
    assert len(seen) == 6 * each
    assert set(seen.values()) == {1}


def test_logs_older_than_thirty_days_go_however_few_they_are(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    ages = {"zonedesk.log": 90, "zonedesk.log.1.gz": 29, "zonedesk.log.2.gz": 31, "exchange.log": 90}
    for name, days in ages.items():
        path = tmp_path / name
        path.write_text("x")
        then = (now - timedelta(days=days)).timestamp()
        os.utime(path, (then, then))
    assert [path.name for path in sweep(tmp_path, now)] == ["zonedesk.log.2.gz"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["exchange.log", "zonedesk.log", "zonedesk.log.1.gz"]
