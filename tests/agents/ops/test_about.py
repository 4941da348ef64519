"""Every line of a cycle and of the guardian says what it is about."""

import logging
from collections.abc import Iterator, Mapping

import pytest

from agents.cycle import run_cycle
from agents.domain.errors import OrderUnknownError
from agents.execution.guardian.guardian import Guardian
from agents.ops.about import about, ids
from tests.agents.desks import FakeJudge, Fakes
from tests.agents.execution.guardian.story import Story
from tests.agents.options.chains import NOW


class Listener(logging.Handler):
    """Keeps what each line said, and what it was about."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, Mapping[str, str]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append((record.getMessage(), ids()))


@pytest.fixture
def listener() -> Iterator[Listener]:
    found, root = Listener(), logging.getLogger("agents")
    level = root.level
    root.addHandler(found)
    root.setLevel(logging.INFO)
    yield found
    root.removeHandler(found)
    root.setLevel(level)


def test_ids_add_up_and_end_with_their_block() -> None:
    with about(run_id="r"):
        with about(cycle_id="c", setup_id="s"):
            assert ids() == {"run_id": "r", "cycle_id": "c", "setup_id": "s"}
        assert ids() == {"run_id": "r"}
    assert ids() == {}


def test_a_block_that_raises_ends_as_well() -> None:
    with pytest.raises(KeyError), about(cycle_id="c"):
        raise KeyError
    assert ids() == {}


def test_what_breaks_in_a_cycle_is_told_with_the_cycle_the_setup_and_the_run(listener: Listener) -> None:
    fakes = Fakes(judge=FakeJudge(fault=OrderUnknownError("odd")))
    with about(run_id="r1"):
        record = run_cycle(fakes.desk(), NOW, "NIFTY")
    assert record.setup is not None
    [(text, said)] = listener.heard
    assert "failed" in text
    assert said == {"run_id": "r1", "cycle_id": record.cycle_id, "setup_id": record.setup.setup_id}


def test_what_the_guardian_says_of_an_order_names_order_setup_and_cycle(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story()
    request = story.ask()
    story.run(3)
    [case] = story.guardian.records.cases.values()

    def broken(_guardian: Guardian, _setup_id: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Guardian, "_protect", broken)
    story.run(1)
    said = [about for text, about in listener.heard if "failed" in text]
    assert said
    assert said[0] == {
        "cycle_id": request.cycle_id,
        "setup_id": request.setup.setup_id,
        "correlation_id": case.correlation_id,
    }
