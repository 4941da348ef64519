"""Option chains recorded over the wire of the paper exchange, and what a past session shows of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from agents.data.agent import DataCollectionAgent
from agents.data.clock import ReplayClock
from agents.data.dhan.errors import DhanUnavailableError
from agents.data.market import StoreMarket
from agents.domain.errors import DataError
from agents.domain.values import IST
from agents.options.analysis import summarise
from agents.settings import Settings
from pipelines.chains import NOTHING_RECORDED
from pipelines.definitions import build
from pipelines.recording import CHAIN_JOB, CHAIN_TAG, chain_clock
from pipelines.resources import Workbench
from tests.agents.data.dhan.venues import Venue, agent_on, running_venue

DAY = date(2026, 11, 19)


@dataclass(frozen=True)
class Ran:
    """One run of the asset: its metadata by partition, and its checks by name."""

    success: bool
    metadata: dict[str, dict[str, object]]
    checks: dict[str, bool]
    why: str


def run(bench: Workbench, *days: date) -> Ran:
    job = build(bench.settings, bench).resolve_job_def(CHAIN_JOB)
    tags = {"dagster/partition": str(days[0])}
    if len(days) > 1:
        tags = {"dagster/asset_partition_range_start": str(days[0]), "dagster/asset_partition_range_end": str(days[-1])}
    result = job.execute_in_process(
        tags=tags, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}, raise_on_error=False
    )
    events = [each.step_materialization_data.materialization for each in result.get_asset_materialization_events()]
    said: dict[str, dict[str, object]] = {
        each.partition or "": {key: value.value for key, value in each.metadata.items()} for each in events
    }
    checks = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}
    failed = [each.step_failure_data.user_failure_data for each in result.get_step_failure_events()]
    return Ran(result.success, said, checks, " ".join(str(each.description) for each in failed if each))


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with running_venue() as made:
        yield made


@pytest.fixture
def agent(venue: Venue, tmp_path: Path) -> DataCollectionAgent:
    venue.control("DELETE", "/faults")
    venue.control("PUT", "/limits", {"enforced": True})  # and forgets what an agent with another folder asked
    agent = agent_on(venue, tmp_path)
    agent.fetch_historical_data("NIFTY", DAY - timedelta(days=1), DAY)
    return agent


@pytest.fixture
def bench(agent: DataCollectionAgent, tmp_path: Path) -> Workbench:
    settings = Settings(mode="paper", data_dir=tmp_path)
    bench = Workbench(settings, present=agent.clock, collector=agent)
    bench.__dict__["store"] = agent.store
    return bench


@pytest.mark.process
def test_an_open_session_is_recorded_and_described(bench: Workbench) -> None:
    ran = run(bench, DAY)
    assert ran.success, ran.why
    facts = ran.metadata[str(DAY)]
    assert facts["snapshots"] == 1
    assert facts["dagster/row_count"] == bench.store.rows("select count(*) from option_quotes")[0][0]
    assert str(facts["expiry"]) == "2026-11-23"
    assert isinstance(facts["contracts"], int)
    assert facts["contracts"] > 40
    assert {"pcr_oi", "max_pain", "forward", "spot", "quoted_at", "age_seconds", "two_sided_share"} <= set(facts)
    stored = StoreMarket(bench.store).chain("NIFTY", bench.clock.now(), min_minutes=0)
    assert facts.get("atm_iv") == summarise(stored, stored.at, bench.settings.risk_free_rate).atm_iv
    assert float(str(facts["age_seconds"])) < 60
    assert str(facts["preview"]).count("\n") == 12
    assert ran.checks == {"chain_is_two_sided": True, "spot_lies_within_the_strikes": True, "chain_is_fresh": True}


@pytest.mark.process
def test_the_trade_cycle_reads_what_was_recorded_last(bench: Workbench) -> None:
    assert run(bench, DAY).success
    chain = StoreMarket(bench.store).chain("NIFTY", bench.clock.now(), min_minutes=120)
    [(newest,)] = bench.store.rows("select max(quoted_at) from option_quotes")
    assert abs(chain.at - newest) < timedelta(seconds=1)
    assert sum(quote.bid is not None and quote.ask is not None for quote in chain.quotes) > len(chain.quotes) / 2


@pytest.mark.process
def test_the_same_chain_is_not_asked_for_twice_in_three_seconds(bench: Workbench) -> None:
    first, second = run(bench, DAY), run(bench, DAY)
    assert first.success, first.why
    assert second.success, second.why
    assert not bench.agent.dhan.counts.by_outcome[("the option chain of NIFTY 2026-11-23", "throttled")]
    moments = [at for (at,) in bench.store.rows("select distinct quoted_at from option_quotes order by 1")]
    assert len(moments) == 2


@pytest.mark.process
def test_a_past_session_records_nothing_and_says_so(bench: Workbench) -> None:
    past = DAY - timedelta(days=1)
    ran = run(bench, past)
    assert ran.success, ran.why
    assert ran.metadata[str(past)]["note"] == NOTHING_RECORDED
    assert ran.metadata[str(past)]["dagster/row_count"] == 0
    assert bench.store.rows("select count(*) from option_quotes") == [(0,)]
    assert all(ran.checks.values())


@pytest.mark.process
def test_a_recorded_session_is_shown_again_from_the_store(bench: Workbench) -> None:
    live = run(bench, DAY).metadata[str(DAY)]
    later = ReplayClock(datetime(2026, 11, 20, 8, 0, tzinfo=IST))
    after = Workbench(bench.settings, present=later, collector=bench.collector)
    after.__dict__["store"] = bench.store
    again = run(after, DAY - timedelta(days=1), DAY)
    assert again.success, again.why
    shown = again.metadata[str(DAY)]
    assert {name: shown[name] for name in ("contracts", "expiry", "pcr_oi", "max_pain", "snapshots")} == {
        name: live[name] for name in ("contracts", "expiry", "pcr_oi", "max_pain", "snapshots")
    }


@pytest.mark.process
def test_a_broker_that_does_not_answer_fails_the_run_in_words(bench: Workbench, venue: Venue) -> None:
    venue.fault("gateway_error", "POST /v2/optionchain", times=None)
    ran = run(bench, DAY)
    assert not ran.success
    assert "option chain of NIFTY" in ran.why
    assert issubclass(DhanUnavailableError, DataError)


def test_the_clock_asks_once_for_each_chain_and_for_none_without_an_exchange(tmp_path: Path) -> None:
    now = datetime(2025, 6, 20, 11, 17, 10, tzinfo=IST)
    bench = Workbench(Settings(mode="paper", data_dir=tmp_path), present=ReplayClock(now))
    sensor = chain_clock(bench)
    repository = build(bench.settings, bench).get_repository_def()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:

        def look(cursor: str | None = None) -> dg.RunRequest | str:
            context = dg.build_sensor_context(instance=instance, cursor=cursor, repository_def=repository)
            data = sensor.evaluate_tick(context)
            return data.run_requests[0] if data.run_requests else str(data.skip_message)

        assert "never started" in str(look())
        bench.settings.home.mkdir(parents=True)
        (bench.settings.home / "exchange.json").write_text("{}", encoding="utf-8")
        request = look()
        assert isinstance(request, dg.RunRequest)
        assert (request.run_key, request.partition_key) == ("2025-06-20T1117", "2025-06-20")
        assert request.tags[CHAIN_TAG] == request.run_key
        assert "is done" in str(look("2025-06-20T1117"))
        instance.add_run(dg.DagsterRun(job_name=CHAIN_JOB, status=dg.DagsterRunStatus.STARTED))
        assert "still being recorded" in str(look())
