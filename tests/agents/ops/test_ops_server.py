"""What a monitor is told."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agents.data.metrics import MetricWriter
from agents.domain.errors import ConfigError
from agents.ops.server import Health, OpsServer, serve_ops
from agents.settings import Settings
from zonedesk.shell import wall_now


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, mode="paper")


@pytest.fixture
def health() -> dict[str, Health]:
    return {"now": Health(facts={"positions": 1})}


@pytest.fixture
def server(settings: Settings, health: dict[str, Health]) -> Iterator[OpsServer]:
    made = serve_ops(settings, lambda: health["now"], 0)
    yield made
    made.close()


def ask(server: OpsServer, page: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{page}", timeout=5) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_metrics_of_all_processes_can_be_scraped(server: OpsServer, settings: Settings) -> None:
    with MetricWriter(settings.ops_path, wall_now) as metrics:
        metrics.record("agent_up", 1.0, agent="feed")
        metrics.record("order_unknown_total")
    status, text = ask(server, "/metrics")
    assert status == 200
    assert {family.name for family in text_string_to_metric_families(text)} == {"agent_up", "order_unknown"}


def test_there_are_no_metrics_before_the_first(server: OpsServer) -> None:
    assert ask(server, "/metrics") == (200, "")


def test_a_damaged_file_of_metrics_is_an_answer_too(server: OpsServer, settings: Settings) -> None:
    settings.ops_path.parent.mkdir(parents=True)
    settings.ops_path.write_bytes(b"nothing of the kind" * 300)
    status, text = ask(server, "/metrics")
    assert status == 503
    assert "delete the file" in text


def test_health_is_200_with_facts_and_503_with_problems(server: OpsServer, health: dict[str, Health]) -> None:
    status, text = ask(server, "/healthz")
    assert (status, json.loads(text)) == (200, {"ok": True, "problems": [], "positions": 1})
    health["now"] = Health(problems=("the broker is silent",))
    status, text = ask(server, "/healthz")
    assert (status, json.loads(text)["problems"]) == (503, ["the broker is silent"])


def test_other_pages_are_not_there(server: OpsServer) -> None:
    assert ask(server, "/")[0] == 404


def test_a_taken_port_names_the_setting(server: OpsServer, settings: Settings) -> None:
    with pytest.raises(ConfigError, match="ZONEDESK_OPS_PORT"):
        serve_ops(settings, Health, server.port)
