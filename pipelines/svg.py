"""What every picture is made of: a dark sheet, a price scale, levels with names, a price tag."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

BACKGROUND, GRID, TEXT, MUTED = "#131722", "#1f2533", "#d1d4dc", "#787b86"
UP, DOWN, BLUE, AMBER = "#089981", "#F23645", "#2962FF", "#f5a623"
WIDTH, HEIGHT = 860, 360
TOP, BOTTOM, LEFT, RIGHT = 34, 24, 10, 78
LINE = 13
_ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Level:
    """A horizontal line with a name; the price in rupees."""

    name: str
    price: float
    colour: str
    dashed: bool = False


class Scale:
    """Rupees to pixels, with round steps for the grid."""

    def __init__(self, low: float, high: float) -> None:
        pad = max((high - low) * 0.06, abs(high) * 0.0005, 0.5)
        self.low, self.high = low - pad, high + pad
        self._pixels = (HEIGHT - TOP - BOTTOM) / (self.high - self.low)

    def __call__(self, price: float) -> float:
        """Return the pixel row of a price, counted from the top."""
        return round(TOP + (self.high - price) * self._pixels, 1)

    def steps(self) -> list[float]:
        """Return about six round prices inside the scale."""
        rough = (self.high - self.low) / 6
        power = 10.0 ** floor(log10(rough))
        step = next(power * factor for factor in _ROUND_STEPS if power * factor >= rough)
        return [number * step for number in range(ceil(self.low / step), floor(self.high / step) + 1)]


def price_scale(prices: Iterable[float]) -> Scale:
    """Return a scale on which all of `prices` are visible."""
    known = list(prices) or [0.0, 1.0]
    return Scale(min(known), max(known))


def sheet(parts: Iterable[str]) -> str:
    """Return `parts` as one SVG; the clip path named c is the drawing area."""
    body = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="Inter,system-ui,sans-serif" font-size="11">'
        f'<clipPath id="c"><path d="M0 {TOP}H{WIDTH - RIGHT}V{HEIGHT - BOTTOM}H0z"/></clipPath>{body}</svg>'
    )


def frame(title: str, note: str) -> list[str]:
    """Return the dark sheet with a title on its left and a note on its right."""
    return [
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{BACKGROUND}"/>',
        f'<text x="14" y="22" fill="{TEXT}" font-size="14" font-weight="600">{escape(title)}</text>',
        f'<text x="{WIDTH - 14}" y="22" fill="{MUTED}" text-anchor="end">{escape(note)}</text>',
    ]


def price_grid(scale: Scale) -> list[str]:
    """Return a line and a name at each round price."""
    steps = scale.steps()
    lines = "".join(f"M0 {scale(price)}H{WIDTH - RIGHT}" for price in steps)
    decimals = 0 if all(float(price).is_integer() for price in steps) else 2
    names = [
        f'<text x="{WIDTH - RIGHT + 8}" y="{scale(price) + 4:g}" fill="{MUTED}">{price:,.{decimals}f}</text>'
        for price in steps
    ]
    return [f'<path d="{lines}" stroke="{GRID}"/>', *names]


def level_lines(levels: Sequence[Level], scale: Scale) -> list[str]:
    """Return each visible level as a line with its name and price, names moved apart."""
    parts = []
    taken: list[float] = []
    for level in levels:
        y = scale(level.price)
        if not TOP <= y <= HEIGHT - BOTTOM:
            continue
        dash = ' stroke-dasharray="5 4"' if level.dashed else ""
        label_y = y - 4
        while any(abs(label_y - other) < LINE for other in taken):
            label_y += LINE
        taken.append(label_y)
        parts.append(
            f'<path d="M0 {y}H{WIDTH - RIGHT}" stroke="{level.colour}"{dash}/>'
            f'<text x="14" y="{label_y:.1f}" fill="{TEXT}" stroke="{BACKGROUND}" stroke-width="3" '
            f'paint-order="stroke">{escape(level.name)} {level.price:,.2f}</text>'
        )
    return parts


def price_tag(y: float, price: float, colour: str) -> str:
    """Return a price in a box on the scale."""
    left = WIDTH - RIGHT
    return (
        f'<rect x="{left + 2}" y="{y - 9:g}" width="{RIGHT - 6}" height="18" rx="3" fill="{colour}"/>'
        f'<text x="{left + 8}" y="{y + 4:g}" fill="#fff">{price:,.2f}</text>'
    )
