"""What the judge sees, which zones it is asked about, and where verdicts go."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import pytest

from agents.domain.errors import MissingDataError
from agents.domain.evidence import SetupEvidence, SetupVerdict, ZoneEvidence
from agents.domain.values import Side
from agents.domain.zones import Outcome, ZoneVerdict
from agents.llm import LLMAnalysisAgent, RulesJudge, judge_analysis, with_verdicts, zone_evidence, zones_to_judge
from tests.agents.llm.samples import AT, SETUP, analysis, settings, zone

SUPPLY = zone("s1", Side.SUPPLY, "22520", "22560")


class Listening:
    """Judges by the rules and remembers what it was asked."""

    name = "rules"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.shown: list[ZoneEvidence] = []

    def judge_zones(self, evidence: Sequence[ZoneEvidence], known_at: datetime) -> Sequence[ZoneVerdict]:
        self.shown += evidence
        self.asked += [one.zone_id for one in evidence]
        return RulesJudge().judge_zones(evidence, known_at)

    def judge_setup(self, evidence: SetupEvidence) -> SetupVerdict:
        self.asked.append(evidence.setup_id)
        return RulesJudge().judge_setup(evidence)


def test_distances_are_in_true_ranges_and_in_the_zones_own_direction() -> None:
    whole = analysis(zone(), SUPPLY)
    demand, supply = zone_evidence(whole, zone()), zone_evidence(whole, SUPPLY)
    assert (demand.width_atr, demand.distance_atr) == (1.0, 0.5)
    assert (demand.to_poc_atr, demand.to_value_low_atr, demand.to_value_high_atr) == (1.5, -0.75, 3.5)
    assert (supply.distance_atr, supply.to_poc_atr) == (1.5, 0.5)
    assert demand.opposite_zone_atr == supply.opposite_zone_atr == 2.0


def test_price_inside_a_zone_is_a_negative_distance() -> None:
    assert zone_evidence(analysis(close_zone := zone(high="22470")), close_zone).distance_atr == -0.25


def test_an_opposing_zone_behind_is_no_obstacle() -> None:
    behind = zone("s2", Side.SUPPLY, "22300", "22340")
    assert zone_evidence(analysis(zone(), behind), zone()).opposite_zone_atr is None


def test_no_price_level_and_no_date_can_be_seen() -> None:
    text = zone_evidence(analysis(zone(), SUPPLY), zone()).model_dump_json()
    assert "224" not in text
    assert "2024" not in text


def test_shifting_all_prices_changes_nothing() -> None:
    def at(shift: int) -> str:
        moved = zone(low=str(22400 + shift), high=str(22440 + shift))
        levels = {name: Decimal(value + shift) for name, value in (("poc", 22500), ("val", 22410), ("vah", 22580))}
        whole = analysis(moved, **levels).model_copy(update={"close": Decimal(22460 + shift)})
        return zone_evidence(whole, moved).model_dump_json()

    assert at(0) == at(1000)


def test_components_are_counted_and_named_in_order() -> None:
    evidence = zone_evidence(analysis(zone()), zone())
    assert evidence.components == {"fair_value_gap": 1, "order_block": 1}
    assert evidence.component_ids == ("a", "b")
    assert evidence.parts == {"overlap": 0.812}


def test_without_a_true_range_there_is_no_evidence_and_nothing_to_judge() -> None:
    early = analysis(zone(), atr=None)
    assert zones_to_judge(early, settings()) == []
    with pytest.raises(MissingDataError, match="import earlier candles"):
        zone_evidence(early, zone())


def test_the_nearest_confident_unjudged_zones_are_asked_about() -> None:
    judged = RulesJudge().judge_zones([zone_evidence(analysis(zone()), zone())], AT)[0]
    failed = judged.model_copy(update={"outcome": Outcome.DEADLINE})
    whole = analysis(
        zone("far", low="22000", high="22040"),
        zone("weak", confidence=0.59),
        zone("edge", low="22300", high="22340"),
        zone("judged", verdict=judged),
        zone("failed", verdict=failed, low="22380", high="22420"),
        zone("near", low="22440", high="22450"),
        zone("inside", low="22450", high="22480"),
        SUPPLY,
    )
    assert [one.id for one in zones_to_judge(whole, settings())] == ["inside", "near", "failed", "s1", "edge"]
    assert [one.id for one in zones_to_judge(whole, settings(judge_max_zones=2))] == ["inside", "near"]


def test_equal_distances_go_to_the_higher_confidence_then_to_the_id() -> None:
    whole = analysis(zone("b"), zone("a"), zone("c", confidence=0.8))
    assert [one.id for one in zones_to_judge(whole, settings())] == ["c", "a", "b"]


def test_verdicts_belong_to_the_candle_and_find_their_zones() -> None:
    whole = analysis(zone(), SUPPLY)
    verdicts = judge_analysis(whole, RulesJudge(), settings())
    assert {verdict.known_at for verdict in verdicts} == {whole.bar_at}
    filled = with_verdicts(whole, verdicts)
    assert [one.verdict.zone_id for one in filled.zones if one.verdict] == ["z1", "s1"]
    assert judge_analysis(filled, RulesJudge(), settings()) == ()


def test_a_zone_that_was_tried_is_seen_by_the_others_and_nobody_takes_its_turn() -> None:
    whole, limit = analysis(zone(), SUPPLY, zone("far", low="22300", high="22340")), settings(judge_max_zones=2)
    first, again = Listening(), Listening()
    judge_analysis(whole, first, limit)
    judge_analysis(whole, again, limit, tried={"z1"})
    assert (first.asked, again.asked) == (["z1", "s1"], ["s1"])
    assert again.shown == first.shown[1:]
    assert again.shown[0].opposite_zone_atr == 2.0


def test_a_judge_is_left_alone_when_there_is_nothing_to_ask() -> None:
    judge = Listening()
    assert judge_analysis(analysis(), judge, settings()) == ()
    assert judge.asked == []


def test_the_agent_asks_the_judge_it_was_given() -> None:
    judge = Listening()
    agent = LLMAnalysisAgent(judge, settings())
    assert len(agent.analyze_zones(analysis(zone(), SUPPLY))) == 2
    assert agent.evaluate_trade_setup(SETUP).setup_id == "setup-1"
    assert judge.asked == ["z1", "s1", "setup-1"]
