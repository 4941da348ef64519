"""Pictures: well-formed, small, and showing what they are given."""

import base64
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from agents.domain.values import IST
from pipelines.charts import Band, CandleChart, ProfileChart, as_markdown, draw_candles, draw_profile
from pipelines.svg import AMBER, DOWN, UP, Level

OPEN = datetime(2025, 6, 20, 9, 30, tzinfo=IST)
prices = st.floats(1_000, 100_000, allow_nan=False).map(lambda price: round(price * 20) / 20)


@given(st.lists(st.tuples(prices, prices), max_size=80), st.floats(0, 1))
def test_a_candle_picture_is_xml_whatever_it_shows(moves: list[tuple[float, float]], confidence: float) -> None:
    chart = CandleChart(
        title="NIFTY <zones> & more",
        note="as of 15:30",
        closed_at=[OPEN + timedelta(minutes=15 * number) for number in range(len(moves))],
        open=[opened for opened, _ in moves],
        high=[max(pair) for pair in moves],
        low=[min(pair) for pair in moves],
        close=[close for _, close in moves],
        bands=[Band(low=20_000, high=20_010, start=0, demand=True, confidence=confidence, label="<band>")],
        levels=[Level("POC", 20_005, AMBER)],
    )
    ET.fromstring(draw_candles(chart))


def test_demand_is_green_and_supply_is_red_and_confidence_is_light() -> None:
    def picture(*, demand: bool, confidence: float) -> str:
        band = Band(low=99, high=101, start=0, demand=demand, confidence=confidence)
        return draw_candles(CandleChart("t", "n", [OPEN], [100.0], [102.0], [98.0], [100.0], [band]))

    assert f'fill="{UP}" fill-opacity="0.42"' in picture(demand=True, confidence=1.0)
    assert f'fill="{DOWN}" fill-opacity="0.26"' in picture(demand=False, confidence=0.5)


def test_a_profile_picture_lights_its_point_of_control() -> None:
    chart = ProfileChart("t", "n", [100.0, 101.0, 102.0], [5.0, 9.0, 1.0], 101.0, 100.0, 102.0, 101.5, [100.0, 101.5])
    svg = draw_profile(chart)
    ET.fromstring(svg)
    assert svg.count(AMBER) >= 2
    assert "POC 101.00" in svg


def test_a_profile_without_volume_says_so() -> None:
    svg = draw_profile(ProfileChart("t", "", [], [], 0.0, 0.0, 0.0))
    assert "no volume yet" in svg


def test_a_picture_travels_as_a_data_address() -> None:
    value = str(as_markdown("<svg/>", "chart").value)
    assert value == f"![chart](data:image/svg+xml;base64,{base64.b64encode(b'<svg/>').decode()})"
