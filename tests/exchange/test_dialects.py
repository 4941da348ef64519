import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.dialects import dumps, float32, go_double, java_double, paise, rupees

finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | finite | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "java", "go"),
    [
        (0.0, "0.0", "0"),
        (-0.0, "-0.0", "-0"),
        (115.64, "115.64", "115.64"),
        (126.0, "126.0", "126"),
        (1737570600.0, "1.7375706E9", "1737570600"),
        (17454579.0, "1.7454579E7", "17454579"),
        (9999999.0, "9999999.0", "9999999"),
        (10000000.0, "1.0E7", "10000000"),
        (0.001, "0.001", "0.001"),
        (0.0005, "5.0E-4", "0.0005"),
        (0.00001, "1.0E-5", "0.00001"),
        (1e-7, "1.0E-7", "1e-7"),
        (1e21, "1.0E21", "1e+21"),
        (23092.19921875, "23092.19921875", "23092.19921875"),
        (9.935963798959326, "9.935963798959326", "9.935963798959326"),
        (-38.5, "-38.5", "-38.5"),
    ],
)
def test_each_service_prints_doubles_in_its_own_way(value: float, java: str, go: str) -> None:
    assert (java_double(value), go_double(value)) == (java, go)


@given(finite)
def test_both_ways_read_back_as_the_same_double(value: float) -> None:
    assert float(java_double(value)) == value
    assert float(go_double(value)) == value


@given(values)
def test_both_dialects_are_json_that_means_the_same(value: object) -> None:
    assert json.loads(dumps(value, "java")) == value  # type: ignore[arg-type]  # Hypothesis builds JSON
    assert json.loads(dumps(value, "go"), parse_int=float) == value  # type: ignore[arg-type]  # Hypothesis builds JSON


def test_neither_dialect_puts_spaces_between_things() -> None:
    assert dumps({"a": [1, 2.0], "b": {"c": None}}, "java") == b'{"a":[1,2.0],"b":{"c":null}}'


def test_go_refuses_what_is_not_a_number() -> None:
    with pytest.raises(ValueError, match="send 0"):
        dumps({"iv": math.nan}, "go")


def test_something_else_is_not_json() -> None:
    with pytest.raises(TypeError, match="object is not JSON"):
        dumps({"a": object()}, "java")  # type: ignore[dict-item]  # the mistake under test


def test_underlying_prices_of_chains_lose_digits_in_32_bits() -> None:
    assert go_double(float32(22952.95)) == "22952.94921875"


@given(st.integers(-(10**12), 10**12))
def test_paise_survive_the_wire(amount: int) -> None:
    assert paise(rupees(amount)) == amount


def test_an_amount_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        paise(math.inf)
