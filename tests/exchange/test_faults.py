import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.faults import CATALOGUE, FaultBox, FaultUnknownError, Script

SOURCES = sorted((Path(__file__).resolve().parents[2] / "exchange").glob("*.py"))


def test_a_script_strikes_n_times_after_the_occasions_it_skips() -> None:
    box = FaultBox(1)
    box.add(Script("server_error", times=2, skip=1))
    assert [box.strike("server_error", "GET /v2/orders") is not None for _ in range(5)] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_a_place_that_does_not_match_is_no_occasion() -> None:
    box = FaultBox(1)
    box.add(Script("server_error", where="POST /v2/orders*"))
    assert box.strike("server_error", "GET /v2/orders") is None
    assert box.strike("server_error", "POST /v2/orders/slicing") == {}


def test_parameters_have_defaults() -> None:
    box = FaultBox(1)
    box.add(Script("feed_unknown", parameters={"code": 77}))
    assert box.strike("feed_unknown", "1000000001") == {"code": 77, "length": 24}


@given(st.integers(0, 2**32), st.floats(0.05, 0.95))
def test_chance_depends_on_the_seed_alone(seed: int, probability: float) -> None:
    def drawn() -> list[bool]:
        box = FaultBox(seed)
        box.add(Script("feed_lag", probability=probability, times=None))
        return [box.strike("feed_lag", "x") is not None for _ in range(50)]

    assert drawn() == drawn()


def test_chance_strikes_about_as_often_as_asked() -> None:
    box = FaultBox(3)
    box.add(Script("feed_lag", probability=0.2, times=None))
    assert 340 < sum(box.strike("feed_lag") is not None for _ in range(2_000)) < 460


def test_removed_and_cleared_scripts_strike_no_more() -> None:
    box = FaultBox(1)
    number = box.add(Script("server_error", times=None))
    assert box.remove(number)
    assert not box.remove(number)
    assert box.strike("server_error") is None
    box.add(Script("server_error", times=None))
    box.clear()
    assert box.strike("server_error") is None
    assert box.scripts() == []


@pytest.mark.parametrize(
    "script",
    [
        {"name": "no_such"},
        {"name": "slow", "parameters": {"minutes": 3}},
        {"name": "slow", "probability": 1.5},
        {"name": "slow", "times": 0},
    ],
)
def test_a_script_that_makes_no_sense_says_what_would(script: dict[str, object]) -> None:
    with pytest.raises(FaultUnknownError, match=r"has|pass"):
        Script(**script)  # type: ignore[arg-type]  # wrong on purpose


def test_every_fault_asked_for_is_in_the_catalogue_and_every_entry_is_asked_for() -> None:
    asked = {name for path in SOURCES if path.name != "faults.py" for name in _asked(path)}
    assert asked - set(CATALOGUE) == set()
    assert set(CATALOGUE) - asked == set()


def _asked(path: Path) -> set[str]:
    """Names of faults among the strings of a module that asks about any."""
    text = path.read_text()
    if "strike" not in text:
        return set()
    tree = ast.parse(text)
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named = {word for word in words if word in CATALOGUE}
    called = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "strike"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }
    return named | called
