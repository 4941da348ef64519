"""What the pictures in Dagster's metadata show: a session's candles, its profile, its zones."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from agents.domain.candles import Candles, moment
from agents.domain.market import Session
from agents.domain.values import IST, Side
from agents.domain.zones import Zone, ZoneAnalysis
from pipelines.charts import Band, CandleChart, ProfileChart, draw_candles, draw_profile
from pipelines.svg import AMBER, Level

if TYPE_CHECKING:
    import pandas as pd

_CONTEXT_CANDLES = 75
_MOST_ZONES = 12


def candles_picture(candles: Candles, session: Session, until: datetime) -> str:
    """Return the session's candles after those of the sessions before it, as SVG."""
    shown = _shown(candles, until)
    note = f"as of {_hour(until)} · {_count(candles, session, until)} candles of 15 minutes"
    return draw_candles(_chart(shown, _title(candles.instrument, session, "candles"), note))


def zones_picture(candles: Candles, analysis: ZoneAnalysis, session: Session) -> str:
    """Return the session's candles with the zones that live at the analysis' candle, as SVG.

    The nearer twelve of them; what a judge said is in the label where a zone has a verdict.
    """
    shown = _shown(candles, analysis.bar_at)
    near = sorted(analysis.zones, key=lambda zone: (_distance(zone, analysis.close), zone.id))[:_MOST_ZONES]
    note = f"as of {_hour(analysis.bar_at)} · {len(analysis.zones)} live zones"
    if len(near) < len(analysis.zones):
        note += f", the nearest {len(near)} shown"
    levels = [Level("POC", float(analysis.poc), AMBER)] if analysis.poc is not None else []
    bands = [_band(zone, shown) for zone in near]
    return draw_candles(_chart(shown, _title(candles.instrument, session, "zones"), note, bands, levels))


def profile_picture(
    candles: Candles, session: Session, rows: "pd.DataFrame", levels: "pd.Series[Any]", row_ticks: int
) -> str:
    """Return the volume at price of a session with its point of control and value area, as SVG.

    Parameters
    ----------
    candles : Candles
        The instrument's history.
    session : Session
        The session of `rows`.
    rows : DataFrame
        Its rows of `volume_profile_rows`, those of the candles that have the last candle's source.
    levels : Series
        The last row of `volume_profile` whose scope is the session.
    row_ticks : int
        Ticks in a price row.
    """
    until = min(session.close_at, moment(int(candles.closed_at[-1])))
    part = candles.after(session.open_at).until(until)
    tick = float(candles.tick_size)
    volumes = rows.groupby("price_row")["volume_fixed"].sum()
    middle = row_ticks // 2
    chart = ProfileChart(
        title=_title(candles.instrument, session, "volume profile"),
        note=f"as of {_hour(until)} · volume of {levels['source']} · line: the session's closes",
        prices=[(int(row) * row_ticks + middle) * tick for row in volumes.index],
        volumes=[float(volume) for volume in volumes],
        poc=float(levels["poc"]) * tick,
        val=float(levels["val"]) * tick,
        vah=float(levels["vah"]) * tick,
        close=float(part.close[-1]) * tick if len(part) else None,
        path=(part.close * tick).tolist(),
    )
    return draw_profile(chart)


def _chart(
    shown: Candles, title: str, note: str, bands: Sequence[Band] = (), levels: Sequence[Level] = ()
) -> CandleChart:
    tick = float(shown.tick_size)
    opened, high, low, close = ((column * tick).tolist() for column in (shown.open, shown.high, shown.low, shown.close))
    closed_at = [moment(seconds).astimezone(IST) for seconds in shown.closed_at.tolist()]
    return CandleChart(title, note, closed_at, opened, high, low, close, bands, levels)


def _band(zone: Zone, shown: Candles) -> Band:
    start = int((shown.closed_at < zone.known_at.timestamp()).sum())
    said = f" · {zone.verdict.verdict}" if zone.verdict is not None else ""
    label = f"{zone.low:,.0f}–{zone.high:,.0f} · {zone.confidence:.2f}{said}"  # noqa: RUF001  (a range is spelled with an en dash)
    return Band(float(zone.low), float(zone.high), start, zone.side is Side.DEMAND, zone.confidence, label=label)


def _distance(zone: Zone, price: Decimal) -> Decimal:
    return max(zone.low - price, price - zone.high, Decimal(0))


def _shown(candles: Candles, until: datetime) -> Candles:
    return candles.until(until)[-_CONTEXT_CANDLES:]


def _count(candles: Candles, session: Session, until: datetime) -> int:
    return len(candles.until(until).after(session.open_at))


def _title(instrument: str, session: Session, what: str) -> str:
    return f"{instrument} · {session.on:%d %b %Y} · {what}"


def _hour(moment_at: datetime) -> str:
    return f"{moment_at.astimezone(IST):%H:%M}"
