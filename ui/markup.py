"""Tables and small marks as HTML. Everything that is not made here is escaped: no text of a model can become markup."""

from collections.abc import Sequence
from decimal import Decimal
from html import escape as escaped
from typing import NamedTuple

from ui.format import printable


def escape(text: str) -> str:
    """Return a text as HTML that shows it, letter by letter."""
    return escaped(printable(text))


class Cell(NamedTuple):
    """A cell: its text, a class of the palette ("zd-up", "num"), and markup of this module to show instead of it.

    One that `heads` names its row to those who hear a table.
    """

    text: str
    kind: str = ""
    markup: str = ""
    heads: bool = False


def heading(text: str, level: int = 2) -> str:
    """Return the heading of a part of a page; of a part of that, at the level below it."""
    return f'<h{level} class="zd-head">{escape(text)}</h{level}>'


def title(text: str) -> str:
    """Return the heading of a page, for those who hear it: those who see it have the navigation."""
    return f'<h1 class="zd-heard">{escape(text)}</h1>'


def table(caption: str, headers: Sequence[str | Cell], rows: Sequence[Sequence[str | Cell]]) -> str:
    """Return a table with real headers; cells are text. Where no cell heads its row, the first one does."""
    head = "".join(_head(header) for header in headers)
    body = "".join(_row(row) for row in rows)
    return (
        f'<div class="zd-scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="zd-table">'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def number(text: str, *, sign: Decimal | float = 0) -> Cell:
    """Return a cell that is aligned to the right, coloured by the sign of a value."""
    return Cell(text, "num zd-up" if sign > 0 else "num zd-down" if sign < 0 else "num")


def between(low: Decimal, high: Decimal, value: Decimal | None) -> str:
    """Return a bar from stop to target with a mark where the price is."""
    if value is None or high <= low:
        return ""
    share = min(max((value - low) / (high - low), Decimal(0)), Decimal(1))
    said = f"{share:.0%} of the way from stop to target"
    return f'<div class="zd-bar" role="img" aria-label="{said}"><i style="left:{share * 100:.0f}%"></i></div>'


def bar(share: float, kind: str) -> str:
    """Return a bar as wide as a share of its column, of a class of the palette."""
    width = min(max(share, 0.0), 1.0) * 5
    style = f"width:{width:.2f}em;background:currentColor"
    return f'<span class="zd-oi {escape(kind)}" aria-hidden="true" style="{style}"></span>'


def span(text: str, kind: str = "") -> str:
    """Return text with a class of the palette."""
    return f'<span class="{escape(kind)}">{escape(text)}</span>'


def _row(row: Sequence[str | Cell]) -> str:
    cells = [Cell(cell) if isinstance(cell, str) else cell for cell in row]
    first = not any(cell.heads for cell in cells)
    return f"<tr>{''.join(_cell(cell, heads=cell.heads or (first and at == 0)) for at, cell in enumerate(cells))}</tr>"


def _cell(cell: Cell, *, heads: bool) -> str:
    tag, scope = ("th", ' scope="row"') if heads else ("td", "")
    kind = f' class="{escape(cell.kind)}"' if cell.kind else ""
    return f"<{tag}{scope}{kind}>{cell.markup or escape(cell.text)}</{tag}>"


def _head(header: str | Cell) -> str:
    text, kind = (header, "") if isinstance(header, str) else (header.text, header.kind)
    return f'<th scope="col" class="{escape(kind)}">{escape(text)}</th>'
