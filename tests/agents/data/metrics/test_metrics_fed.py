"""No metric is declared that nobody records: a monitor would show a line that can never move."""

from pathlib import Path

from agents.domain.metrics import METRICS

ROOT = Path(__file__).parents[4]
DECLARED_IN = ROOT / "agents" / "domain" / "metrics.py"


def test_every_declared_metric_is_recorded_somewhere() -> None:
    files = [path for top in ("agents", "pipelines", "zonedesk") for path in (ROOT / top).rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files if path != DECLARED_IN)
    assert [name for name in METRICS if f'"{name}"' not in text] == []
