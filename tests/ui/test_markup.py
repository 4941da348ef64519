from decimal import Decimal
from html.parser import HTMLParser

from ui.markup import Cell, bar, between, heading, number, table, title


class Tags(HTMLParser):
    """The opening tags of a markup, each with its attributes."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_a_table_has_a_name_and_headers_of_columns_and_rows() -> None:
    made = Tags(table("Orders", ("Contract", number("Units")), [["A", number("75")], ["B", number("65")]]))
    assert [cell["scope"] for cell in made.of("th")] == ["col", "col", "row", "row"]
    assert len(made.of("td")) == 2
    assert made.of("div")[0]["aria-label"] == "Orders"
    assert len(made.of("caption")) == 1


def test_a_table_can_be_scrolled_with_keys() -> None:
    (around,) = Tags(table("Orders", ("Contract",), [["A"]])).of("div")
    assert (around["tabindex"], around["role"]) == ("0", "region")


def test_a_cell_that_heads_its_row_need_not_be_the_first() -> None:
    markup = table("Chain", ("OI", "Strike", "OI"), [["1", Cell("24000", "mid", heads=True), "2"]])
    assert [cell.get("class") for cell in Tags(markup).of("th") if cell["scope"] == "row"] == ["mid"]
    assert '<th scope="row" class="mid">24000</th>' in markup


def test_a_bar_is_told_in_words_or_not_at_all() -> None:
    (told,) = Tags(between(Decimal(100), Decimal(200), Decimal(150))).of("div")
    assert (told["role"], told["aria-label"]) == ("img", "50% of the way from stop to target")
    (drawn,) = Tags(bar(0.5, "zd-up")).of("span")
    assert drawn["aria-hidden"] == "true"


def test_headings_are_text() -> None:
    assert heading("<b>") == '<h2 class="zd-head">&lt;b&gt;</h2>'
    assert title("<b>") == '<h1 class="zd-heard">&lt;b&gt;</h1>'
