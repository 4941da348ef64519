"""What judges said against what happened: a diagram and the same as a table, with counts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ui.judged import Said
from ui.markup import Cell, number, table
from ui.palette import Palette

BINS = 5
SIZE = 300


class Bin(NamedTuple):
    """Words whose probability lies in one fifth: how many, how many ended, what was said and what came, on average."""

    low: float
    high: float
    words: int
    ended: int
    said: float | None
    came: float | None


def bins(words: Sequence[Said]) -> list[Bin]:
    """Return the words by fifths of their probability; what is open yet counts as a word and not as an end."""
    found = []
    for step in range(BINS):
        low, high = step / BINS, (step + 1) / BINS
        inside = [each for each in words if low <= each.probability < high or (high == 1.0 == each.probability)]
        ended = [each for each in inside if each.good is not None]
        said = sum(each.probability for each in ended or inside) / len(ended or inside) if inside else None
        came = sum(bool(each.good) for each in ended) / len(ended) if ended else None
        found.append(Bin(low, high, len(inside), len(ended), said, came))
    return found


def reliability(words: Sequence[Said], caption: str, came: str) -> str:
    """Return a table: how often it went well for each fifth of the probability; `came` names the share."""
    rows: list[list[str | Cell]] = [
        [
            f"{one.low:.1f} to {one.high:.1f}",
            number(str(one.words)),
            number(str(one.ended)),
            number("—" if one.said is None else f"{one.said:.2f}"),
            number("—" if one.came is None else f"{one.came:.2f}"),
        ]
        for one in bins(words)
    ]
    headers = ("Probability", number("Verdicts"), number("Ended"), number("Mean said"), number(came))
    return table(caption, headers, rows)


def diagram(words: Sequence[Said], colours: Palette, came: str) -> dict[str, Any]:  # Any: Vega-Lite's JSON
    """Return the diagram for `st.vega_lite_chart`: on the dashed line the judge is as good as its word."""
    points = [
        {"said": one.said, "came": one.came, "ended": one.ended, "text": f"{one.ended}"}
        for one in bins(words)
        if one.came is not None
    ]
    axes = {
        "x": _axis("said", "mean probability that was said"),
        "y": _axis("came", came.lower()),
    }
    ideal = [{"said": 0.0, "came": 0.0}, {"said": 1.0, "came": 1.0}]
    size = {"field": "ended", "type": "quantitative", "legend": None, "scale": {"range": [60, 500], "zero": True}}
    line = {"type": "line", "strokeDash": [5, 5], "color": colours.quiet}
    told = [{"field": "said", "format": ".2f"}, {"field": "came", "format": ".2f"}, {"field": "ended"}]
    marks = {
        "data": {"values": points},
        "mark": {"type": "point", "filled": True, "color": colours.accent, "opacity": 0.9},
        "encoding": {**axes, "size": size, "tooltip": told},
    }
    counts = {
        "data": {"values": points},
        "mark": {"type": "text", "dy": -16, "color": colours.accent, "fontSize": 12},
        "encoding": {**axes, "text": {"field": "text"}},
    }
    return {
        "description": f"Reliability: {came.lower()} against the probability that was said, by fifths",
        "height": SIZE,
        "layer": [{"data": {"values": ideal}, "mark": line, "encoding": axes}, marks, counts],
    }


def _axis(field: str, title: str) -> dict[str, Any]:  # Any: Vega-Lite's JSON
    return {"field": field, "type": "quantitative", "title": title, "scale": {"domain": [0, 1]}}
