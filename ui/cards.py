"""Cards with one number each, and small pictures of numbers, as HTML: no library, and the palette's own colours."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

BARS = 40
STYLE = """<style>
dl.zd-cards.zd-cards,dl.zd-hours.zd-hours{padding:0;margin:0 0 .4rem}
.zd-cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(148px,1fr));gap:.6rem;
 font-variant-numeric:tabular-nums}
.zd-card{border:1px solid color-mix(in srgb,currentColor 18%,transparent);border-radius:4px;padding:.5rem .7rem}
.zd-card dt{font-size:.85rem;font-weight:400;color:var(--zd-quiet)}.zd-card dd{margin:0}
.zd-card .value{font-size:1.35rem}.zd-card .note{font-size:.8rem;color:var(--zd-quiet)}
.zd-bars{display:flex;align-items:flex-end;gap:1px;height:26px;margin-top:.3rem;color:var(--zd-accent)}
.zd-bars i{flex:1;min-width:1px;background:currentColor;opacity:.8}
.zd-hours{display:grid;grid-template-columns:auto 1fr;gap:.15rem .6rem;font-variant-numeric:tabular-nums}
.zd-hours dt{font-weight:400;color:var(--zd-quiet)}
.zd-hours dd{margin:0;display:flex;flex-wrap:wrap;letter-spacing:.1em}
.zd-hours dd span{min-width:1.15em;text-align:center}
</style>"""


class Card(NamedTuple):
    """A number with its name, what must be said of it, a class of the palette, and how it went."""

    name: str
    value: str
    note: str = ""
    kind: str = ""
    past: tuple[float, ...] = ()


def cards(shown: Sequence[Card]) -> str:
    """Return cards beside each other, as many in a row as fit."""
    return f'{STYLE}<dl class="zd-cards">{"".join(_card(each) for each in shown)}</dl>'


def bars(values: Sequence[float], told: str) -> str:
    """Return the last values as bars from nothing to the highest of them; `told` is what they are."""
    last = values[-BARS:]
    highest = max(last, default=0.0)
    if len(last) < 2 or highest <= 0:  # noqa: PLR2004 - one value is no course
        return ""
    drawn = "".join(f'<i style="height:{max(value / highest, 0.04):.0%}"></i>' for value in last)
    return f'<div class="zd-bars" role="img" aria-label="{escape(told)}">{drawn}</div>'


def _card(card: Card) -> str:
    value = f'<dd class="value {escape(card.kind)}">{escape(card.value)}</dd>'
    note = f'<dd class="note">{escape(card.note)}</dd>' if card.note else ""
    past = bars(card.past, f"{card.name}: the last {min(len(card.past), BARS)} values")
    return f'<div class="zd-card"><dt>{escape(card.name)}</dt>{value}{note}{f"<dd>{past}</dd>" if past else ""}</div>'
