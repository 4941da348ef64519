from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from agents.data.ledger import Ledger
from agents.domain.cycle import CycleRecord, Decision, Reason
from agents.domain.orders import TradeSetup
from agents.domain.values import IST
from agents.execution.outcomes import (
    OUTCOME,
    Ending,
    SetupOutcome,
    cautious_share,
    ending_of,
    label,
    outcomes,
    track_of,
)
from agents.execution.record import as_judged, record_of
from agents.llm.calibration import SEED
from tests.agents.desks import session_of
from tests.agents.execution.orders import PLACED, TICK, CandleMarket, Prices, candles
from tests.agents.execution.setups import setup_of
from tests.agents.execution.verdicts import yes_to

FLAT = (100.0, 100.2, 99.9, 100.0)


def setup(**update: object) -> TradeSetup:
    facts: dict[str, object] = {
        "decided_at": PLACED,
        "contract": "NIFTY22111018000CE",
        "premium_entry": Decimal("100.30"),
        "premium_stop": Decimal(90),
        "premium_target": Decimal(120),
        "half_spread": Decimal("0.25"),
        "costs_per_unit": Decimal("1.00"),
        "lot_size": 50,
    }
    return setup_of().model_copy(update=facts | update)


CLOSE = datetime(2022, 11, 10, 15, 30, tzinfo=IST)


def ended(rows: Sequence[Prices], now: datetime = CLOSE) -> tuple[Ending, float] | None:
    market, session = CandleMarket(candles(rows)), session_of(PLACED.date())
    return ending_of(setup(), market, session, tick_size=TICK, brokerage=Decimal(20), now=now)


def test_the_target_first_is_a_win_in_units_of_risk() -> None:
    found = ended([FLAT, (100, 121, 100, 120)])
    assert found is not None
    assert found[0] is Ending.WIN
    assert 1.0 < found[1] < 2.0


def test_the_stop_first_is_a_loss_also_in_a_candle_that_touches_both() -> None:
    for last in ((100, 100, 85, 86), (100, 125, 85, 100)):
        found = ended([FLAT, last])
        assert found is not None
        assert found[0] is Ending.LOSS
        assert found[1] < -0.9


def test_an_entry_that_never_fills_counts_for_nothing() -> None:
    assert ended([(110, 111, 109, 110)] * 6) == (Ending.NOT_FILLED, 0.0)


def test_neither_until_the_time_to_be_flat_is_a_timeout() -> None:
    minutes = int((CLOSE - PLACED).total_seconds() // 60)
    found = ended([FLAT] * minutes)
    assert found is not None
    assert found[0] is Ending.TIMEOUT
    assert -0.5 < found[1] < 0


def test_a_position_that_is_still_held_is_not_labelled() -> None:
    assert ended([FLAT] * 10, now=PLACED + timedelta(minutes=9)) is None


def test_a_contract_without_a_candle_is_not_labelled() -> None:
    assert ended([]) is None


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    found = Ledger.in_memory("paper", now=lambda: PLACED)
    yield found
    found.close()


def record(number: int, probability: float = 0.85, reason: Reason = Reason.VERDICT_SKIP) -> CycleRecord:
    made = setup(setup_id=f"setup{number}")
    verdict = yes_to(made.setup_id).model_copy(update={"probability": probability, "p_low": 0.1, "p_high": 0.9})
    return CycleRecord(
        cycle_id=f"cycle{number}",
        instrument="NIFTY",
        at=PLACED + timedelta(minutes=number),
        decision=Decision.SKIP,
        reason=reason,
        setup=made,
        verdict=verdict,
    )


def test_each_setup_is_labelled_once_whoever_skipped_it(ledger: Ledger) -> None:
    records = [record(1), record(1, reason=Reason.VETOED), record(2)]
    assert len(label(records, ledger, lambda _: (Ending.WIN, 1.5))) == 2
    assert not label(records, ledger, lambda _: (Ending.LOSS, -1.0))
    assert [event.key for event in ledger.events(OUTCOME)] == ["setup1", "setup2"]


def test_what_nobody_can_tell_yet_is_asked_again(ledger: Ledger) -> None:
    assert not label([record(1)], ledger, lambda _: None)
    assert len(label([record(1)], ledger, lambda _: (Ending.LOSS, -1.0))) == 1


def test_a_judges_record_counts_what_he_would_have_taken(ledger: Ledger) -> None:
    label([record(number) for number in range(8)], ledger, lambda _: (Ending.WIN, 1.5))
    label([record(number) for number in range(8, 10)], ledger, lambda _: (Ending.TIMEOUT, 0.1))
    label([record(20, probability=0.5)], ledger, lambda _: (Ending.LOSS, -1.0))
    label([record(21)], ledger, lambda _: (Ending.NOT_FILLED, 0.0))
    verdict = record(1).verdict
    assert verdict is not None
    track = track_of(outcomes(ledger), verdict, 0.8)
    assert track.outcomes == 10
    assert track.p_low == pytest.approx(cautious_share(8, 10), abs=1e-4)
    assert 0.6 < track.p_low < 0.8
    assert track_of(outcomes(ledger), verdict.model_copy(update={"prompt_sha": "new"}), 0.8).outcomes == 0


@pytest.mark.parametrize(
    ("ending", "result", "won"),
    [
        (Ending.WIN, 1.2, True),
        (Ending.LOSS, -1.1, False),
        (Ending.TIMEOUT, 0.3, True),
        (Ending.TIMEOUT, -0.3, False),
        (Ending.NOT_FILLED, 0.0, None),
    ],
)
def test_who_ran_out_of_time_won_if_it_paid(ending: Ending, result: float, won: bool | None) -> None:  # noqa: FBT001  (what is expected)
    one = SetupOutcome(
        setup_id="s", cycle_id="c", ending=ending, result=result, decided_at=PLACED, probability=0.8, baseline=0.4
    )
    judged = as_judged(one)
    assert judged is not None
    assert judged.won is won


def test_a_cautious_share_grows_with_what_is_known() -> None:
    assert cautious_share(0, 0) == 0.0
    assert cautious_share(8, 10) < cautious_share(80, 100) < cautious_share(800, 1000) < 0.8


def test_the_corrected_probability_only_takes_away(ledger: Ledger) -> None:
    said = record(1).verdict
    assert said is not None
    assert said.probability is not None
    label([record(number) for number in range(300)], ledger, lambda made: ending_by(made.setup_id))
    later = setup_of(setup_id="later").model_copy(update={"decided_at": PLACED + timedelta(days=40)})
    plain = track_of(outcomes(ledger), said, 0.8)
    found = record_of(ledger, said, later, threshold=0.8, least=200)
    assert found.outcomes == plain.outcomes
    assert found.p_low < plain.p_low
    assert found.p_low <= later.baseline_probability + 0.15
    assert record_of(ledger, said, later, threshold=0.8, least=301).p_low == plain.p_low
    now = later.model_copy(update={"decided_at": PLACED})
    early = record_of(ledger, said, now, threshold=0.8, least=200)
    assert early.p_low == plain.p_low, "nothing was known a week before"


def test_only_a_real_market_proves_a_judge(ledger: Ledger) -> None:
    said = record(1).verdict
    assert said is not None
    good = [record(number, 0.9 if number % 2 else 0.2) for number in range(240)]
    days = {one.setup.setup_id: PLACED + timedelta(days=n // 6) for n, one in enumerate(good) if one.setup}
    good = [one.model_copy(update={"at": days[one.setup.setup_id]}) for one in good if one.setup]
    label(good, ledger, lambda made: ended_by_half(made.setup_id))
    found = record_of(ledger, said, setup(), threshold=0.8, least=200, dice=dice)
    assert found.judged == 240
    assert found.skill_low is not None
    assert found.skill_low > 0
    assert record_of(ledger, said, setup(), threshold=0.8, least=241, dice=dice).skill_low is None
    assert record_of(ledger, said, setup(), threshold=0.8, least=200).skill_low is None, "nobody drew samples"
    assert (
        record_of(ledger, said.model_copy(update={"prompt_sha": "new"}), setup(), threshold=0.8, least=200).judged == 0
    )


def test_a_judge_that_says_the_opposite_is_not_proven(ledger: Ledger) -> None:
    said = record(1).verdict
    assert said is not None
    label(
        [record(number, 0.2 if number % 2 else 0.9) for number in range(240)],
        ledger,
        lambda made: ended_by_half(made.setup_id),
    )
    found = record_of(ledger, said, setup(), threshold=0.8, least=200, dice=dice)
    assert found.skill_low is not None
    assert found.skill_low < 0


def dice() -> np.random.Generator:
    return np.random.default_rng(SEED)


def ended_by_half(setup_id: str) -> tuple[Ending, float]:
    number = int(setup_id.removeprefix("setup"))
    return (Ending.WIN, 1.5) if number % 2 else (Ending.LOSS, -1.0)


def ending_by(setup_id: str) -> tuple[Ending, float]:
    number = int(setup_id.removeprefix("setup"))
    return (Ending.WIN, 1.5) if number % 10 else (Ending.LOSS, -1.0)
