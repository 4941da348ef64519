"""The shape of the project: who imports whom, what the pages say, where time may come from."""

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("agents", "analytics_ext", "exchange", "pipelines", "ui", "zonedesk")
# The entry points of time: adapters of the clock, and the processes that own one.
MAY_ASK_THE_TIME = {"agents/data/clock.py", "agents/data/lock.py"}
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time"), ("uuid", "uuid4")}


@pytest.mark.parametrize("package", PACKAGES)
def test_our_packages_come_from_our_distribution_alone(package: str) -> None:
    assert set(importlib.metadata.packages_distributions()[package]) == {"zonedesk"}


def test_the_diagrams_match_the_code() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs/draw.py")], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", ["agents", "analytics_ext"])
def test_below_the_entry_points_nothing_asks_the_time_or_rolls_dice(package: str) -> None:
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name in MAY_ASK_THE_TIME:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                owner_name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
                if (owner_name, node.func.attr) in CLOCKS or owner_name == "random":
                    found.append(f"{name}:{node.lineno} calls {owner_name}.{node.func.attr}")
    assert found == []


def test_no_test_folder_shadows_a_package() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_there_is_nothing_else_at_the_top() -> None:
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=False).stdout.split()
    folders = {name.split("/")[0] for name in tracked if "/" in name}
    assert folders <= {*PACKAGES, "tests", "benchmarks", "docs", "deploy", ".ci"}


def test_the_public_names_of_the_agents_stay() -> None:
    import agents  # noqa: PLC0415 - its absence is this test's failure, not the module's

    for name in ("TechnicalAnalysisAgent", "LLMAnalysisAgent", "OptionsAnalysisAgent"):
        assert getattr(agents, name).__name__ == name
