from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest

from agents.analysis import run_analysis, verdicts_of
from agents.domain.candles import Candles, epoch, moment
from agents.domain.errors import MissingDataError
from agents.domain.evidence import SetupEvidence, SetupVerdict, ZoneEvidence
from agents.domain.values import IST
from agents.domain.zones import Outcome, ZoneVerdict, ZoneVerdictWord
from agents.settings import Settings
from tests.agents.desks import minute_candles
from tests.agents.execution.setups import verdict_of

SETTINGS = Settings(_env_file=None, zone_confidence=0.3, judge_reach_atr=500.0, judge_max_zones=100)
END = datetime(2024, 6, 5, 15, 30, tzinfo=IST)


class Listener:
    """Implements `ports.Judge`: confirms everything, or fails at everything, and remembers what it was asked."""

    def __init__(self, outcome: Outcome = Outcome.OK) -> None:
        self.outcome = outcome
        self.asked: list[str] = []

    @property
    def name(self) -> str:
        return "rules"

    def judge_zones(self, evidence: Sequence[ZoneEvidence], known_at: datetime) -> Sequence[ZoneVerdict]:
        self.asked += [one.zone_id for one in evidence]
        update = {"outcome": self.outcome, "known_at": known_at}
        return [verdict_of(one.zone_id).model_copy(update=update) for one in evidence]

    def judge_setup(self, evidence: SetupEvidence) -> SetupVerdict:
        raise AssertionError(f"the analysis judges no setups: {evidence.setup_id}")


@pytest.fixture(scope="module")
def candles() -> Candles:
    """Fifteen-minute candles of a restless walk, one after the other without nights."""
    draw = np.random.default_rng(3)
    closes = 22_000 + np.cumsum(draw.standard_t(3, 900) * 12)
    walk = minute_candles(closes.tolist(), END)
    closed_at = epoch(END) - 900 * np.arange(len(walk) - 1, -1, -1, dtype=np.int64)
    reach = draw.integers(0, 120, (2, len(walk)))
    return Candles(
        instrument="NIFTY",
        tick_size=walk.tick_size,
        minutes=15,
        opened_at=closed_at - 900,
        closed_at=closed_at,
        open=walk.open,
        high=walk.high + reach[0],
        low=walk.low - reach[1],
        close=walk.close,
        volume=walk.volume,
        session=closed_at // 86_400,
    )


def test_later_candles_change_nothing(candles: Candles) -> None:
    now = END - timedelta(hours=5)
    cut = run_analysis(candles.until(now), Listener(), SETTINGS, now)
    assert run_analysis(candles, Listener(), SETTINGS, now) == cut
    assert cut.bar_at == now
    assert cut.zones


def test_every_zone_within_reach_gets_its_verdict(candles: Candles) -> None:
    judge = Listener()
    analysis = run_analysis(candles, judge, SETTINGS, END)
    able = [zone for zone in analysis.zones if zone.confidence >= 0.3]
    assert sorted(judge.asked) == sorted(zone.id for zone in able)
    assert set(verdicts_of(analysis)) == set(judge.asked)


def test_a_verdict_is_asked_for_once(candles: Candles) -> None:
    earlier = verdicts_of(run_analysis(candles, Listener(), SETTINGS, END - timedelta(minutes=15)))
    judge = Listener()
    analysis = run_analysis(candles, judge, SETTINGS, END, earlier=earlier)
    assert not set(judge.asked) & set(earlier)
    kept = [zone for zone in analysis.zones if zone.id in earlier]
    assert kept
    assert all(zone.verdict == earlier[zone.id] for zone in kept)


def test_a_failed_verdict_is_asked_for_again(candles: Candles) -> None:
    failed = verdicts_of(run_analysis(candles, Listener(Outcome.DEADLINE), SETTINGS, END - timedelta(minutes=15)))
    judge = Listener()
    analysis = run_analysis(candles, judge, SETTINGS, END, earlier=failed)
    again = set(judge.asked) & set(failed)
    assert again
    known = verdicts_of(analysis)
    assert all(known[zone_id].verdict is ZoneVerdictWord.CONFIRM for zone_id in again)
    assert all(known[zone_id].outcome is Outcome.OK for zone_id in again)


def test_before_the_first_candle_there_is_nothing_to_analyse(candles: Candles) -> None:
    with pytest.raises(MissingDataError, match="import or simulate"):
        run_analysis(candles, Listener(), SETTINGS, moment(int(candles.opened_at[0])))
