"""The ledger's copy in the store: complete, the same each time, and joined with zones and trades."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import dagster as dg
import pytest

from agents.data.ledger import Ledger
from agents.domain.calls import LlmCall
from agents.domain.cycle import CycleRecord, Decision, Reason
from agents.domain.errors import ConfigError
from agents.domain.orders import Fill, OrderState
from agents.domain.zones import Outcome
from agents.execution.book import LedgerBook
from pipelines.assets.ledger import MIRROR_JOB
from pipelines.definitions import build
from pipelines.mirror import Mirrored, mirror_ledger
from pipelines.resources import Workbench
from tests.agents.execution.orders import PLACED, order

AT = datetime(2025, 6, 20, 6, 0, tzinfo=UTC)
BROKERAGE = Decimal(20)
BOUGHT = Fill(at=PLACED + timedelta(seconds=5), price=Decimal(100), quantity=100)
SOLD = Fill(at=PLACED + timedelta(minutes=30), price=Decimal(120), quantity=100)
CLOSED = order(state=OrderState.TARGET_DONE, entry=BOUGHT, exit=SOLD)


def write_story(bench: Workbench) -> None:
    """A skipped cycle, a call, and an order that was filled twice."""
    ledger = bench.ledger
    ledger.record_cycle(
        CycleRecord(
            cycle_id="c1", instrument="NIFTY", at=AT, decision=Decision.SKIP, reason=Reason.PRICE_AWAY, zone_id="z1"
        )
    )
    ledger.calls.record_call(
        LlmCall(
            key="k" * 64, subject="z1", asked_at=AT, model="m", prompt_id="p", prompt_version=1, prompt_sha="s",
            system="Judge.", reply_schema="{}", facts="{}", params="{}", sample=0, status=Outcome.OK, body="{}",
        )
    )  # fmt: skip
    LedgerBook(ledger).save(CLOSED)


def mirror(bench: Workbench) -> Mirrored:
    return mirror_ledger(bench.ledger, bench.store, BROKERAGE)


def copied(bench: Workbench) -> list[list[tuple[object, ...]]]:
    queries = (
        "select * from ledger_events order by seq",
        "select * from ledger_calls order by id",
        "select * exclude (recorded_at) from cycles order by cycle_id",
        "select * exclude (recorded_at) from trades order by setup_id",
        "select * from ledger_orders order by setup_id",
    )
    return [bench.store.rows(query) for query in queries]


def test_everything_is_copied_once(bench: Workbench) -> None:
    write_story(bench)
    assert mirror(bench) == Mirrored(events=3, calls=1, cycles=1, trades=1, last=3)
    first = copied(bench)
    assert mirror(bench) == Mirrored(events=0, calls=0, cycles=0, trades=0, last=3)
    assert copied(bench) == first


def test_a_deleted_copy_comes_back_the_same(bench: Workbench) -> None:
    write_story(bench)
    mirror(bench)
    first = copied(bench)
    with bench.store.write() as connection:
        for table in ("ledger_events", "ledger_calls", "cycles", "trades"):
            connection.execute(f"delete from {table}")
    mirror(bench)
    assert copied(bench) == first


def test_only_what_is_new_is_read(bench: Workbench) -> None:
    write_story(bench)
    mirror(bench)
    bench.ledger.append("note", {"zone_id": "z1"})
    assert mirror(bench) == Mirrored(events=1, calls=0, cycles=0, trades=0, last=4)


def test_one_query_joins_a_zone_with_its_cycles_orders_and_trades(bench: Workbench) -> None:
    write_story(bench)
    mirror(bench)
    rows = bench.store.rows(
        "select o.zone_id, o.correlation_id, o.state, t.net > 0 from ledger_orders o join trades t using (setup_id)"
    )
    assert rows == [(CLOSED.zone_id, CLOSED.correlation_id, "target_done", True)]
    assert bench.store.rows("select kind from ledger_events where zone_id = 'z1'") == [("cycle",)]


def test_the_copy_of_another_ledger_is_refused(bench: Workbench) -> None:
    write_story(bench)
    mirror(bench)
    other = Ledger.in_memory("replay", now=lambda: AT)
    other.append("note", {})
    with pytest.raises(ConfigError, match="delete the rows of ledger_events"):
        mirror_ledger(other, bench.store, BROKERAGE)


def test_dagster_copies_it(bench: Workbench) -> None:
    write_story(bench)
    job = build(bench.settings, bench).resolve_job_def(MIRROR_JOB)
    result = job.execute_in_process(run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}})
    assert result.success
    metadata = result.get_asset_materialization_events()[0].step_materialization_data.materialization.metadata
    assert metadata["events_added"] == dg.IntMetadataValue(3)
    assert metadata["dagster/row_count"] == dg.IntMetadataValue(3)
