"""The certificate, and that the same harness finds fault where there is fault."""

import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents.domain.candles import Candles
from agents.domain.errors import MissingDataError
from agents.settings import Settings
from agents.technical import analyse, certificate_frame, certify, fair_value_gaps, profile_candles
from agents.technical.certify import code_version, zone_prefixes
from agents.technical.prefixes import Replay, Rows, replay_prefixes
from tests.agents.technical.markets import SMALL, from_columns, ints, market
from tests.analytics_ext.strategies import Candles as Columns

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from smartmoneyconcepts import smc

MARKET = market(24, 6, volume=True)


def test_no_detector_rewrites_the_past() -> None:
    found = certify(MARKET, profile_candles(MARKET), SMALL)
    assert {c.detector: c.rewritten for c in found} == {
        "fair_value_gaps": 0, "order_blocks": 0, "explosive_zones": 0, "swings": 0, "structure_breaks": 0,
        "true_range_and_trend": 0, "volume_profile": 0, "zones": 0,
    }  # fmt: skip
    assert all(c.findings > 10 for c in found)
    assert {c.prefixes for c in found if c.detector != "zones"} == {len(MARKET)}
    assert found[-1].prefixes >= 2 * 24 - 2
    assert (found[0].first.isoformat(), found[0].last.isoformat()) == ("2024-01-01", "2024-01-24")


def test_a_range_is_certified_with_the_history_before_it() -> None:
    first = np.datetime64("2024-01-20").astype(object)
    seen: list[tuple[str, int, int]] = []
    found = certify(
        MARKET, profile_candles(MARKET), SMALL, first=first,
        on_progress=lambda name, done, whole: seen.append((name, done, whole)),
    )  # fmt: skip
    assert [c.rewritten for c in found] == [0] * len(found)
    assert found[0].prefixes == 5 * 25
    assert found[0].first == first
    assert ("zones", found[-1].prefixes, found[-1].prefixes) in seen


def test_a_range_without_candles_is_missing_data() -> None:
    with pytest.raises(MissingDataError, match="no candle from 2030-01-01"):
        certify(MARKET, profile_candles(MARKET), SMALL, first=np.datetime64("2030-01-01").astype(object))


def test_the_certificate_says_on_what_and_by_what() -> None:
    other = market(24, 7, volume=True)
    one = certify(MARKET[:60], profile_candles(MARKET[:60]), SMALL)[0]
    two = certify(other[:60], profile_candles(other[:60]), SMALL)[0]
    assert one.candles_hash != two.candles_hash
    assert one.code_version == two.code_version == code_version()
    frame = certificate_frame([one, two], datetime(2024, 2, 1, tzinfo=UTC))
    assert len(frame) == 2
    assert str(frame["certified_at"].dtype).endswith("UTC]")


def test_zones_are_asked_at_every_close_of_a_session_and_inside_each() -> None:
    session = np.repeat(np.arange(4), 5)
    assert zone_prefixes(session, 0).tolist() == [1, 5, 8, 10, 15, 17, 20]
    assert zone_prefixes(session, 10).tolist() == [11, 15, 18, 20]


def test_a_zone_detector_that_looks_ahead_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = analyse

    def peeking(candles: Candles, *args: object, **named: object) -> object:
        found = honest(candles, *args, **named)  # type: ignore[arg-type]  # passed through as they came
        # A zone that broke by the last candle is kept out of the rows that said it existed.
        for run in found.book.runs:
            if run.ends != -1:
                run.low -= 1
        return found

    monkeypatch.setattr("agents.technical.detectors.analyse", peeking)
    assert certify(MARKET, profile_candles(MARKET), SMALL)[-1].rewritten > 10


def test_a_finding_that_vanishes_changes_or_is_backdated_counts_once() -> None:
    def rows(*found: tuple[int, int, int]) -> Rows:
        table = ints(*(value for row in found for value in row)).reshape(-1, 3)
        return Rows(table[:, 0], (table[:, 1],), (table[:, 2],))

    vanishing = {1: rows((0, 7, 1)), 2: rows((0, 7, 1)), 3: rows()}
    changing = {1: rows((0, 7, 1)), 2: rows((0, 7, 2)), 3: rows((0, 7, 2))}
    backdated = {1: rows(), 2: rows(), 3: rows((1, 7, 1))}
    honest = {1: rows((0, 7, 1)), 2: rows((0, 7, 1)), 3: rows((0, 7, 1), (2, 8, 1))}
    for story, expected in ((vanishing, 1), (changing, 1), (backdated, 1), (honest, 0)):
        assert replay_prefixes(story.__getitem__, 3, [1, 2, 3]).rewritten == expected


def smc_rows(found: pd.DataFrame, what: str) -> Rows:
    """What smartmoneyconcepts says: each row it marks, dated to the candle it stands at."""
    marked = np.flatnonzero(found[what].notna().to_numpy())
    fields = [found[name].to_numpy(dtype=np.float64)[marked].view(np.int64) for name in found.columns if name != what]
    return Rows(marked, (marked, found[what].to_numpy(dtype=np.int64)[marked]), fields)


def smc_detectors(frame: pd.DataFrame) -> dict[str, Callable[[int], Rows]]:
    def swings(n: int) -> pd.DataFrame:
        found: pd.DataFrame = smc.swing_highs_lows(part(n), swing_length=5)
        return found

    def between(n: int) -> pd.DataFrame:
        found = swings(n)[["HighLow", "Level"]]
        found.iloc[[0, -1]] = np.nan  # the swings that it invents at both ends would count at every prefix
        return found

    def part(n: int) -> pd.DataFrame:
        return frame.iloc[:n].reset_index(drop=True)

    return {
        "swing_highs_lows": lambda n: smc_rows(between(n), "HighLow"),
        "fvg": lambda n: smc_rows(smc.fvg(part(n))[["FVG", "Top", "Bottom"]], "FVG"),
        "ob": lambda n: smc_rows(smc.ob(part(n), swings(n))[["OB", "Top", "Bottom"]], "OB"),
        "bos": lambda n: smc_rows(smc.bos_choch(part(n), swings(n))[["BOS", "Level"]], "BOS"),
    }


def smc_replays(candles: Candles, step: int) -> dict[str, Replay]:
    frame = pd.DataFrame(
        {name: getattr(candles, name).astype(float) for name in ("open", "high", "low", "close", "volume")}
    )
    lengths = range(100, len(candles) + 1, step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            name: replay_prefixes(detector, len(candles), lengths) for name, detector in smc_detectors(frame).items()
        }


def test_the_same_harness_finds_what_smartmoneyconcepts_rewrites() -> None:
    candles = market(16, 2, volume=True)
    replays = smc_replays(candles, 1)
    assert sum(replay.rewritten for replay in replays.values()) >= 100
    assert all(replay.rewritten > 0 for replay in replays.values())
    ours = certify(candles, profile_candles(candles), SMALL)
    assert sum(certificate.rewritten for certificate in ours) == 0


@pytest.mark.data
def test_recorded_candles_are_certified_where_smartmoneyconcepts_rewrites_hundreds(shared: Path) -> None:
    candles = recorded(shared, 1000)
    chosen = Settings()
    found = certify(candles, profile_candles(candles), chosen)
    assert [c.rewritten for c in found] == [0] * len(found)
    assert len(fair_value_gaps(candles, chosen)) > 50
    assert sum(replay.rewritten for replay in smc_replays(candles, 6).values()) >= 200


def recorded(shared: Path, n: int) -> Candles:
    """The last `n` recorded candles of 15 minutes, renumbered into sessions of 25."""
    frame = pd.read_parquet(shared / "data" / "dev_nifty_15m.parquet").sort_values("ts").tail(n)
    prices = np.rint(frame[["open", "high", "low", "close"]].to_numpy() / 0.05).astype(np.int64)
    opened, high, low, close = prices.T
    high, low = np.maximum.reduce([high, opened, close]), np.minimum.reduce([low, opened, close])
    return from_columns(Columns(opened, high, low, close, np.ones(n, dtype=np.int64)))
