"""The option chain as a ladder, what it says, and which contracts the desk chose or refused."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape

import streamlit as st

from agents.domain.chain import ChainAnalysis, IvStanding, OptionReading
from agents.domain.values import IST, OptionType
from ui.chain_board import Board, ChainBoards
from ui.chain_lines import LinePoint
from ui.format import MINUS, age, clock_time, day_time, lakh, plain, rupees
from ui.hub import wall_now
from ui.links import link, replay_address, why_address
from ui.markup import Cell, heading, number, table
from ui.seen import picture, settings
from ui.snapshot import Picture
from ui.sparks import STYLE, spark
from ui.views.cockpit import until_it_opens

REFRESH_SECONDS = 3
EACH_WAY = {"8 strikes each way": 8, "15 strikes each way": 15}
NOTHING = "—"
COME = "Dagster's job records one every three minutes of a session, the first two minutes after the opening."
_CANDIDATES = 12
_STALE_SECONDS = 600
# Bars grow from the strike outwards; the side in the money is shaded, the row at the money has lines.
_STYLE = """<style>
.zd-table td.zd-itm{background:color-mix(in srgb,var(--zd-warn) 9%,transparent)}
.zd-table td.zd-oi-cell{position:relative;min-width:7.5em}
.zd-table td.zd-oi-cell i{position:absolute;top:3px;bottom:3px;opacity:.35;background:currentColor}
.zd-table td.zd-oi-cell.call i{right:0}.zd-table td.zd-oi-cell.put i{left:0}
.zd-table td.zd-oi-cell.put{text-align:left}
.zd-table td.zd-oi-cell span{position:relative}
.zd-table tr:has(.zd-atm) > *{border-top:2px solid var(--zd-accent);border-bottom:2px solid var(--zd-accent)}
.zd-table th:has(.zd-held){outline:2px solid var(--zd-accent);outline-offset:-2px}
.zd-figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:.6rem}
.zd-figures.zd-figures{margin:0 0 .4rem;padding:0}
.zd-figures>div{border:1px solid color-mix(in srgb,currentColor 18%,transparent);border-radius:4px;padding:.5rem .7rem}
.zd-figures dt{font-size:.85rem;font-weight:400;color:var(--zd-quiet)}.zd-figures dd{margin:0}
.zd-figures .value{font-size:1.35rem}
</style>"""


def page() -> None:
    """Draw the page; it refreshes itself."""
    left, right = st.columns(2)
    width = left.segmented_control(
        "Strikes", list(EACH_WAY), default=next(iter(EACH_WAY)), key="strikes", label_visibility="collapsed"
    )
    greeks = right.toggle("Greeks instead of open interest", key="greeks")
    _all(EACH_WAY[width or next(iter(EACH_WAY))], greeks=greeks)


@st.cache_resource(show_spinner=False)
def boards() -> ChainBoards:
    """Return the keeper of this server's boards."""
    return ChainBoards(wall_now)


@st.fragment(run_every=REFRESH_SECONDS)
def _all(each_way: int, *, greeks: bool) -> None:
    seen = picture()
    market = seen.market
    if market.last_price is None:
        st.info(f"No chain yet. It appears with the first prices of the session.{until_it_opens(market)}")
        return
    board = boards().board(settings(), market, market.last_price)
    if board.problem:
        kept = f" Shown is what was read at {day_time(board.read_at)}." if board.read_at else ""
        st.warning(plain(f"{board.problem}{kept}"))
    if not board.chains:
        if not board.problem:
            st.info(f"No chain of the last day is stored. {COME}{until_it_opens(market)}")
        return
    names = [_name(chain, market.now) for chain in board.chains]
    picked = st.segmented_control("Expiry", names, default=names[0], key="expiry", label_visibility="collapsed")
    chain = board.chains[names.index(picked)] if picked in names else board.chains[0]
    points = board.courses.get(chain.expiry_at.astimezone(IST).date(), ())
    st.html(_STYLE + STYLE + figures(chain, points))
    _said_of(chain, points, board, seen)
    held = {order.contract for order in seen.desk.orders if order.held}
    st.html(ladder(chain, each_way, held, greeks=greeks, first=board.first))
    st.caption(
        "ATM: the strike nearest the forward. ★: max pain. Shaded: in the money. Bars: red calls, green puts, each as "
        "long as its share of the largest. Change: since the first stored chain of the day."
    )
    for warning in chain.warnings:
        st.caption(plain(warning))
    _choice(seen)


def figures(chain: ChainAnalysis, points: Sequence[LinePoint]) -> str:
    """Return what a chain says in numbers, with their courses through the day."""
    calls, puts = (
        sum(one.open_interest for one in chain.options if one.option_type is right)
        for right in (OptionType.CE, OptionType.PE)
    )
    iv = NOTHING if chain.atm_iv is None else f"{chain.atm_iv:.1%}"
    shown: tuple[tuple[str, str, list[tuple[datetime, float | None]], int], ...] = (
        ("PCR of open interest", _figure(chain.whole.oi, 2), [(one.at, one.pcr) for one in points], 2),
        ("Max pain", _figure(chain.max_pain, 0), [(one.at, one.max_pain) for one in points], 0),
        ("IV at the money", iv, [(one.at, one.atm_iv) for one in points], 1),
        ("Expected move", _figure(chain.expected_move, 0), [(one.at, one.expected_move) for one in points], 0),
        ("Straddle", _figure(chain.straddle, 2), [(one.at, one.straddle) for one in points], 2),
        ("IV percentile", _standing(chain.standing), [], 0),
        ("Open interest of calls", lakh(calls), [], 0),
        ("Open interest of puts", lakh(puts), [], 0),
        ("Forward", rupees(chain.forward), [], 0),
    )
    each = "".join(
        f'<div><dt>{escape(name)}</dt><dd class="value">{escape(value)}</dd>{_course(name, course, digits)}</div>'
        for name, value, course, digits in shown
    )
    return f'<dl class="zd-figures">{each}</dl>'


def _course(name: str, points: Sequence[tuple[datetime, float | None]], digits: int) -> str:
    drawn = spark(points, name, digits)
    return f"<dd>{drawn}</dd>" if drawn else ""


def _said_of(chain: ChainAnalysis, points: Sequence[LinePoint], board: Board, seen: Picture) -> None:
    """Say of when the chain is, what it is made of, and how far its course is read."""
    old = seen.market.now - chain.at
    made = " of a simulated market" if chain.synthetic else ""
    course = f"The lines show {len(points)} stored chains of this session" if len(points) > 1 else (
        "Lines through the day appear once two chains of this session are stored"
    )  # fmt: skip
    rest = f"; {board.waiting} more are being read" if board.waiting else ""
    text = (
        f"As of {clock_time(chain.at)}, {age(old)} ago{made}; forward by {chain.forward_source}. These ratios describe "
        f"positions; they have little power to foretell. {course}{rest}."
    )
    if seen.market.is_open and old.total_seconds() > _STALE_SECONDS:
        st.warning(plain(f"STALE: the last chain is of {clock_time(chain.at)}. {COME} Health leads to its runs."))
    st.caption(plain(text))


def _name(chain: ChainAnalysis, now: datetime) -> str:
    days = (chain.expiry_at.date() - now.astimezone(chain.expiry_at.tzinfo).date()).days
    return f"{chain.expiry_at:%d %b} ({'today' if days == 0 else f'{days} d'})"


def _standing(standing: IvStanding) -> str:
    """Return how many of the earlier days were calmer; too few days say nothing."""
    return f"{standing.days} days known" if standing.percentile is None else f"{standing.percentile:.0%}"


def ladder(
    chain: ChainAnalysis,
    each_way: int,
    held: set[str],
    *,
    greeks: bool = False,
    first: Mapping[str, Decimal] | None = None,
) -> str:
    """Return the ladder as a table: calls left, puts right, the strike between them; `first` are the day's premiums."""
    strikes = sorted({option.strike for option in chain.options})
    middle = min(range(len(strikes)), key=lambda at: abs(strikes[at] - chain.atm_strike)) if strikes else 0
    shown = strikes[max(middle - each_way, 0) : middle + each_way + 1]
    by_place = {(option.strike, option.option_type): option for option in chain.options}
    most = max((option.open_interest for option in chain.options if option.strike in shown), default=0)
    rows = []
    for strike in shown:
        call, put = by_place.get((strike, OptionType.CE)), by_place.get((strike, OptionType.PE))
        inside = float(strike) < chain.forward, float(strike) > chain.forward
        calls, puts = (
            [_shaded(cell, itm) for cell in _side(one, most, first or {}, greeks=greeks)]
            for one, itm in zip((call, put), inside, strict=True)
        )
        rows.append([*calls, _strike(chain, strike, held, call, put), *puts[::-1]])
    names = ("Gamma", "Vega", "Theta", "Delta") if greeks else ("OI change", "OI", "Volume")
    sides = [*(number(name) for name in names), number("IV"), number("Spread"), number("Change"), number("Premium")]
    kind = "greeks" if greeks else "open interest"
    left = [Cell(head.text) if head.text == "OI" else head for head in sides[::-1]]  # their bars begin at the left
    headers = [*sides, Cell("Strike", "mid"), *left]
    return table(f"Calls left, puts right, with {kind}", headers, rows)


def _shaded(cell: Cell, inside: bool) -> Cell:  # noqa: FBT001 - a cell and whether its option is in the money
    return cell._replace(kind=f"{cell.kind} zd-itm") if inside else cell


def _side(option: OptionReading | None, most: int, first: Mapping[str, Decimal], *, greeks: bool) -> list[Cell]:
    """Return the cells of one option, from the outside to the strike."""
    if option is None:
        return [number(NOTHING)] * (8 if greeks else 7)
    spread = None if option.bid is None or option.ask is None else option.ask - option.bid
    began = first.get(option.contract)
    moved = None if began is None else option.premium - float(began)
    near = [
        number(NOTHING if option.iv is None else f"{option.iv:.1%}"),
        number(NOTHING if spread is None else rupees(spread)),
        number(NOTHING if moved is None else _signed(moved), sign=moved or 0),
        number(rupees(option.premium)),
    ]
    if greeks:
        values = ((option.gamma, 5), (option.vega, 2), (option.theta, 2), (option.delta, 2))
        return [*(number(_figure(value, digits)) for value, digits in values), *near]
    grown = option.open_interest_change
    side, kind = ("call", "zd-down") if option.option_type is OptionType.CE else ("put", "zd-up")
    share = option.open_interest / most if most else 0.0
    text = lakh(option.open_interest)
    drawn = f'<i class="{kind}" style="width:{share:.0%}" aria-hidden="true"></i><span>{escape(text)}</span>'
    return [
        number(NOTHING if grown is None else f"{'+' if grown > 0 else ''}{lakh(grown)}", sign=float(grown or 0)),
        Cell(text, f"num zd-oi-cell {side}", drawn),
        number(lakh(option.volume)),
        *near,
    ]


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{_figure(value, 2)}"


def _strike(
    chain: ChainAnalysis, strike: Decimal, held: set[str], call: OptionReading | None, put: OptionReading | None
) -> Cell:
    at_money = strike == chain.atm_strike
    pain = chain.max_pain is not None and float(strike) == chain.max_pain
    mine = [one for one in (call, put) if one is not None and one.contract in held]
    marks = [*(["ATM"] if at_money else []), *(["★ max pain"] if pain else [])]
    marks += [f"held {one.option_type.value}" for one in mine]
    text = f"{strike:,.0f} {' '.join(marks)}".strip()
    kinds = " ".join(kind for kind, holds in (("zd-atm", at_money), ("zd-held", bool(mine))) if holds)
    return Cell(text, "mid", f'<span class="{kinds}">{escape(text)}</span>', heads=True)


def _figure(value: float | None, digits: int) -> str:
    if value is None:
        return NOTHING
    return f"{MINUS if value < 0 else ''}{abs(value):,.{digits}f}"


def _choice(seen: Picture) -> None:
    """Show which contracts the last cycle that got so far looked at, which one it chose, and why it refused others."""
    found = next((cycle for cycle in seen.market.cycles if cycle.record.get("candidates")), None)
    if found is None:
        st.html(heading("Which contract"))
        st.info(
            "No cycle has looked at contracts yet. One does when price reaches a confirmed zone."
            f"{until_it_opens(seen.market)}"
        )
        return
    chosen = str((found.record.get("setup") or {}).get("contract", ""))
    ranked = sorted(
        found.record["candidates"],
        key=lambda each: (each.get("contract") != chosen, len(_refusals(each)), -float(each.get("score") or 0.0)),
    )
    rows = [candidate_row(each, chosen) for each in ranked[:_CANDIDATES]]
    headers = (
        "Contract", number("Premium"), number("Spread"), number("Delta"), number("Expected value"), number("Risk"),
        number("Score"), "Verdict",
    )  # fmt: skip
    st.html(table(f"Which contract, at {day_time(found.at)}: {found.reason}", headers, rows))
    left = len(found.record["candidates"]) - len(rows)
    more = f"{left} more were looked at. " if left > 0 else ""
    why = link("why", why_address(found.cycle_id), f"why the cycle of {day_time(found.at)} decided so")
    chart = link("chart", replay_address(found.at), f"the chart at {day_time(found.at)}")
    st.html(f'<span class="zd-quiet">{more}The whole decision: {why.markup}, {chart.markup}</span>')


def candidate_row(each: Mapping[str, object], chosen: str = "") -> list[str | Cell]:
    """Return a contract that was looked at, with why it was chosen or refused, as a row."""
    reasons = _refusals(each)
    if reasons:
        verdict = Cell(f"○ refused: {'; '.join(reasons)}", "zd-quiet")
    elif each.get("contract") == chosen:
        verdict = Cell("● chosen: the best score of those that passed", "zd-up")
    else:
        verdict = Cell("eligible, another scored better" if chosen else "eligible")
    figures = (number(_given(each.get(name), digits)) for name, digits in _FIGURES.items())
    return [str(each.get("contract")), *figures, verdict]


def _refusals(each: Mapping[str, object]) -> list[str]:
    """Return every reason for which a contract was refused, none where it was eligible."""
    said = each.get("refusals")
    reasons = [str(one) for one in said] if isinstance(said, list | tuple) else []
    return reasons or ([str(each["rejected"])] if each.get("rejected") else [])


_FIGURES = {"premium": 2, "spread": 2, "delta": 2, "expected_value": 2, "risk": 2, "score": 3}


def _given(value: object, digits: int) -> str:
    return NOTHING if value is None else _figure(float(str(value)), digits)
