"""A cycle, and with it every replay, asks for trades; the code that sends orders is out of its reach."""

import grimp
import pytest

ORDERING = (
    "agents.execution.guardian.guardian",
    "agents.execution.guardian.sender",
    "agents.execution.guardian.wire",
    "agents.execution.dhan",
)


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("agents")


@pytest.mark.parametrize("ordering", ORDERING)
@pytest.mark.parametrize("module", ["agents.cycle", "agents.analysis"])
def test_no_import_leads_from_a_cycle_to_what_sends_orders(
    imports: grimp.ImportGraph, module: str, ordering: str
) -> None:
    assert ordering in imports.modules
    assert not imports.chain_exists(module, ordering, as_packages=True)
