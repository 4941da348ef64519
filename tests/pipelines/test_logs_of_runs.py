"""What a run logs is found in the desk's log, with its run."""

import json
import logging
from pathlib import Path

import dagster as dg
import pytest

from agents.settings import Settings, settings
from pipelines.home import open_instance, prepare_home

_log = logging.getLogger("agents.somewhere")


@dg.op
def speaks(context: dg.OpExecutionContext) -> None:
    context.log.warning("from the step")
    _log.warning("from our module, access-token: %s", "abcdefgh12345")


@dg.job
def speaking() -> None:
    speaks()


def test_what_a_run_logs_is_in_the_desks_log_with_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZONEDESK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ZONEDESK_MODE", "replay")
    settings.cache_clear()
    home = prepare_home(Settings())
    try:
        with open_instance(home.folder) as instance:
            result = speaking.execute_in_process(instance=instance)
    finally:
        settings.cache_clear()
    lines = [json.loads(line) for line in (tmp_path / "replay/logs/zonedesk.log").read_text().splitlines()]
    said = {line["event"]: line for line in lines}
    assert said["from the step"]["run_id"] == result.run_id
    assert said["from the step"]["step_key"] == "speaks"
    assert any(event.startswith("from our module") for event in said)
    assert "abcdefgh12345" not in json.dumps(lines)
