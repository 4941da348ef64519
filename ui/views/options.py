"""The option chain as a ladder, what it says, and which contracts the desk chose or refused."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import streamlit as st

from agents.domain.chain import ChainAnalysis, IvStanding, OptionReading
from agents.domain.errors import ConfigError, DataError
from agents.domain.values import IST, OptionType
from agents.settings import Settings
from ui.chain_lines import ChainLines, LinePoint
from ui.chains import analyses
from ui.format import MINUS, clock_time, day_time, lakh, plain, rupees
from ui.markup import Cell, bar, number, table
from ui.seen import colours, picture
from ui.snapshot import Picture

REFRESH_SECONDS = 3
KEPT_SECONDS = 10  # a chain comes every few minutes, and its reading costs a fifth of a second
EACH_WAY = {"8 strikes each way": 8, "15 strikes each way": 15}
NOTHING = "—"
_CANDIDATES = 12
_FEWEST_POINTS = 2
_LINES = {"PCR of open interest": "pcr", "Max pain": "max_pain", "IV at the money, %": "atm_iv", "Straddle": "straddle"}


def page() -> None:
    """Draw the page; it refreshes itself."""
    left, right = st.columns(2)
    width = left.segmented_control(
        "Strikes", list(EACH_WAY), default=next(iter(EACH_WAY)), key="strikes", label_visibility="collapsed"
    )
    greeks = right.toggle("Greeks instead of open interest", key="greeks")
    _all(EACH_WAY[width or next(iter(EACH_WAY))], greeks=greeks)


@st.cache_data(ttl=KEPT_SECONDS, show_spinner=False)
def _read(
    home: str,  # noqa: ARG001 - what it is kept by
    underlying: str,
    _settings: Settings,
    _now: datetime,
    _spot: Decimal,
) -> tuple[ChainAnalysis, ...]:
    """Return the chains; all visitors share one look."""
    return analyses(_settings, underlying, _now, _spot)


@st.fragment(run_every=REFRESH_SECONDS)
def _all(each_way: int, *, greeks: bool) -> None:
    seen, settings = picture(), Settings()
    market = seen.market
    if market.last_price is None:
        st.info("No chain yet. It appears with the first prices of the session.")
        return
    try:
        chains = _read(str(settings.home), market.instrument, settings, market.now, market.last_price)
    except (ConfigError, DataError) as error:
        st.warning(plain(str(error)))
        return
    if not chains:
        st.info("No chain of the last day is stored. During a session one is fetched with every trade cycle.")
        return
    names = [_name(chain, market.now) for chain in chains]
    picked = st.segmented_control("Expiry", names, default=names[0], key="expiry", label_visibility="collapsed")
    chain = chains[names.index(picked)] if picked in names else chains[0]
    _numbers(chain)
    held = {order.contract for order in seen.desk.orders if order.held}
    st.html(ladder(chain, each_way, held, greeks=greeks))
    for warning in chain.warnings:
        st.caption(plain(warning))
    _through_the_day(settings, seen, chain)
    _choice(seen)


@st.cache_resource(show_spinner=False)
def _lines() -> ChainLines:
    """Return the one keeper of this server."""
    return ChainLines()


def _through_the_day(settings: Settings, seen: Picture, chain: ChainAnalysis) -> None:
    """Draw how the expiry's numbers moved since the morning."""
    market = seen.market
    try:
        found, waiting = _lines().points(
            settings, market.instrument, chain.expiry_at.astimezone(IST).date(), market.now, market.minutes
        )
    except (ConfigError, DataError) as error:
        st.warning(plain(str(error)))
        return
    if len(found) < _FEWEST_POINTS:
        st.info("Lines through the day appear here once two chains of this session are stored, one every few minutes.")
        return
    colour = colours().accent
    for column, (label, values) in zip(st.columns(len(_LINES)), _series(found).items(), strict=True):
        column.markdown(f"**{label}**")
        rows = [{"time": day_time(point.at)[:5], "value": value} for point, value in zip(found, values, strict=True)]
        column.vega_lite_chart(_line(rows, colour), width="stretch")
    rest = f"; {waiting} more are being read" if waiting else ""
    st.caption(f"{len(found)} stored chains of this session, the last of {day_time(found[-1].at)}{rest}.")


def _line(rows: Sequence[Mapping[str, object]], colour: str) -> dict[str, Any]:  # Any: a picture's words, as JSON
    """Return a line whose axis begins near its values: from nothing, max pain would be flat."""
    return {
        "data": {"values": list(rows)},
        "mark": {"type": "line", "color": colour},
        "height": 150,
        "encoding": {
            "x": {"field": "time", "type": "ordinal", "title": None, "axis": {"labelOverlap": True, "labelAngle": 0}},
            "y": {"field": "value", "type": "quantitative", "title": None, "scale": {"zero": False}},
        },
    }


def _series(found: Sequence[LinePoint]) -> dict[str, list[float | None]]:
    return {label: [getattr(point, name) for point in found] for label, name in _LINES.items()}


def _name(chain: ChainAnalysis, now: datetime) -> str:
    days = (chain.expiry_at.date() - now.astimezone(chain.expiry_at.tzinfo).date()).days
    return f"{chain.expiry_at:%d %b} ({'today' if days == 0 else f'{days} d'})"


def _numbers(chain: ChainAnalysis) -> None:
    cells = (
        ("PCR of open interest", _figure(chain.whole.oi, 2)),
        ("Max pain", _figure(chain.max_pain, 0)),
        ("IV at the money", NOTHING if chain.atm_iv is None else f"{chain.atm_iv:.1%}"),
        ("IV percentile", _standing(chain.standing)),
        ("Expected move", _figure(chain.expected_move, 0)),
        ("Straddle", _figure(chain.straddle, 2)),
        ("Forward", rupees(chain.forward)),
    )
    for column, (label, value) in zip(st.columns(len(cells)), cells, strict=True):
        column.metric(label, value)
    made = " of a simulated market" if chain.synthetic else ""
    st.caption(
        plain(
            f"As of {clock_time(chain.at)}{made}; forward by {chain.forward_source}. These ratios describe positions; "
            "they have little power to foretell."
        )
    )


def _standing(standing: IvStanding) -> str:
    """Return how many of the earlier days were calmer; too few days say nothing."""
    return f"{standing.days} days known" if standing.percentile is None else f"{standing.percentile:.0%}"


def ladder(chain: ChainAnalysis, each_way: int, held: set[str], *, greeks: bool = False) -> str:
    """Return the ladder as a table: calls left, puts right, the strike between them."""
    strikes = sorted({option.strike for option in chain.options})
    middle = min(range(len(strikes)), key=lambda at: abs(strikes[at] - chain.atm_strike)) if strikes else 0
    shown = strikes[max(middle - each_way, 0) : middle + each_way + 1]
    by_place = {(option.strike, option.option_type): option for option in chain.options}
    most = max((option.open_interest for option in chain.options if option.strike in shown), default=0)
    rows = []
    for strike in shown:
        call, put = by_place.get((strike, OptionType.CE)), by_place.get((strike, OptionType.PE))
        calls, puts = (_side(one, most, greeks=greeks) for one in (call, put))
        rows.append([*calls, _strike(chain, strike, held, call, put), *puts[::-1]])
    names = ("Delta", "Theta", "Vega") if greeks else ("OI change", "OI", "Volume")
    sides = [*(number(name) for name in names), number("IV"), number("Spread"), number("Premium")]
    kind = "greeks" if greeks else "open interest"
    headers = [*sides, Cell("Strike", "mid"), *sides[::-1]]
    return table(f"Calls left, puts right, with {kind}", headers, rows)


def _side(option: OptionReading | None, most: int, *, greeks: bool) -> list[Cell]:
    """Return the cells of one option, from the outside to the strike."""
    if option is None:
        return [number(NOTHING)] * 6
    spread = None if option.bid is None or option.ask is None else option.ask - option.bid
    near = [
        number(NOTHING if option.iv is None else f"{option.iv:.1%}"),
        number(NOTHING if spread is None else rupees(spread)),
        number(rupees(option.premium)),
    ]
    if greeks:
        return [*(number(_figure(value, 2)) for value in (option.delta, option.theta, option.vega)), *near]
    grown = option.open_interest_change
    kind = "zd-down" if option.option_type is OptionType.CE else "zd-up"
    drawn = f"{lakh(option.open_interest)} {bar(option.open_interest / most if most else 0.0, kind)}"
    return [
        number(NOTHING if grown is None else lakh(grown), sign=float(grown or 0)),
        Cell(lakh(option.open_interest), f"num {kind}", drawn),
        number(lakh(option.volume)),
        *near,
    ]


def _strike(
    chain: ChainAnalysis, strike: Decimal, held: set[str], call: OptionReading | None, put: OptionReading | None
) -> Cell:
    marks = ["ATM"] if strike == chain.atm_strike else []
    marks += ["★ max pain"] if chain.max_pain is not None and float(strike) == chain.max_pain else []
    marks += [f"held {one.option_type.value}" for one in (call, put) if one is not None and one.contract in held]
    return Cell(f"{strike:,.0f} {' '.join(marks)}".strip(), "mid", heads=True)


def _figure(value: float | None, digits: int) -> str:
    if value is None:
        return NOTHING
    return f"{MINUS if value < 0 else ''}{abs(value):,.{digits}f}"


def _choice(seen: Picture) -> None:
    """Show which contracts the last cycle that got so far looked at, which one it chose, and why it refused others."""
    found = next((cycle for cycle in seen.market.cycles if cycle.record.get("candidates")), None)
    if found is None:
        st.markdown("**Which contract**")
        st.info("No cycle has looked at contracts yet. One does when price reaches a confirmed zone.")
        return
    chosen = str((found.record.get("setup") or {}).get("contract", ""))
    ranked = sorted(
        found.record["candidates"], key=lambda each: (each.get("contract") != chosen, bool(each.get("rejected")))
    )
    rows = [candidate_row(each, chosen) for each in ranked[:_CANDIDATES]]
    headers = (
        "Contract", number("Premium"), number("Spread"), number("Delta"), number("Expected value"), number("Risk"),
        number("Score"), "Verdict",
    )  # fmt: skip
    st.html(table(f"Which contract, at {day_time(found.at)}: {found.reason}", headers, rows))


def candidate_row(each: Mapping[str, object], chosen: str = "") -> list[str | Cell]:
    """Return a contract that was looked at, with why it was chosen or refused, as a row."""
    refusals = each.get("refusals")
    reasons = [str(one) for one in refusals] if isinstance(refusals, list | tuple) and refusals else []
    reasons = reasons or [str(each["rejected"])] if each.get("rejected") else reasons
    if reasons:
        verdict = Cell(f"○ refused: {'; '.join(reasons)}", "zd-quiet")
    elif each.get("contract") == chosen:
        verdict = Cell("● chosen: the best score of those that passed", "zd-up")
    else:
        verdict = Cell("eligible, another scored better" if chosen else "eligible")
    figures = (number(_given(each.get(name), digits)) for name, digits in _FIGURES.items())
    return [str(each.get("contract")), *figures, verdict]


_FIGURES = {"premium": 2, "spread": 2, "delta": 2, "expected_value": 2, "risk": 2, "score": 3}


def _given(value: object, digits: int) -> str:
    return NOTHING if value is None else _figure(float(str(value)), digits)
