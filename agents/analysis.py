"""The fifteen-minute analysis in one step: candles in, judged zones out."""

from collections.abc import Mapping
from datetime import datetime

from agents.domain.candles import Candles
from agents.domain.zones import Outcome, ZoneAnalysis, ZoneVerdict
from agents.llm.evidence import judge_analysis, with_verdicts
from agents.ports import Judge
from agents.settings import Settings
from agents.technical import analyse, profile_candles


def run_analysis(
    candles: Candles,
    judge: Judge,
    settings: Settings,
    now: datetime,
    *,
    future: Candles | None = None,
    basket: Candles | None = None,
    earlier: Mapping[str, ZoneVerdict] | None = None,
) -> ZoneAnalysis:
    """Return the zones live at the last candle that closed by `now`, with every verdict known then.

    Parameters
    ----------
    candles : Candles
        The instrument's history of analysis candles; those that closed after `now` are cut off first.
    judge : Judge
        Asked about zones that have no usable verdict yet.
    settings : Settings
        Of the analysis and of what is worth judging.
    now : datetime
        Aware.
    future, basket : Candles, optional
        Whose volume makes the profile, same interval; cut off like `candles`.
    earlier : mapping of str to ZoneVerdict, optional
        Verdicts given at earlier candles, by zone. A verdict whose call failed does not count, and is asked again.

    Returns
    -------
    ZoneAnalysis

    Raises
    ------
    MissingDataError
        If no candle had closed by `now`.
    RecordedReplyMissingError
        If the judge is a recording without a reply for one of the zones.
    """
    history = candles.until(now)
    profile = profile_candles(
        history, None if future is None else future.until(now), None if basket is None else basket.until(now)
    )
    found = analyse(history, profile, settings, since=now).analysis_at(now)
    kept = [verdict for verdict in (earlier or {}).values() if verdict.outcome is Outcome.OK]
    known = with_verdicts(found, kept)
    return with_verdicts(known, judge_analysis(known, judge, settings))


def verdicts_of(analysis: ZoneAnalysis) -> dict[str, ZoneVerdict]:
    """Return the verdicts that an analysis carries, by zone."""
    return {zone.id: zone.verdict for zone in analysis.zones if zone.verdict is not None}
