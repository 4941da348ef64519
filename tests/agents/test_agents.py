import subprocess
import sys

import pytest

import agents


@pytest.mark.parametrize("name", agents.__all__)
def test_every_agent_can_be_imported_from_the_package(name: str) -> None:
    assert getattr(agents, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nobody"):
        _ = agents.Nobody


def test_the_vocabulary_loads_without_the_heavy_libraries() -> None:
    code = "import sys, agents.domain.orders, agents.ports; print({'pandas', 'duckdb', 'openai'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
