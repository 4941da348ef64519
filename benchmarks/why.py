"""How long `why` takes with a year behind it: 31,250 cycles and 1,000 orders in the ledger, 2.5 million quotes stored.

    python benchmarks/why.py --questions 200

Asks for orders, cycles and zones in turn, each with a store and a ledger that are open, as a page would hold them.
"""

import argparse
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from agents.data.ledger import Ledger
from agents.data.ledger.chain import append_event
from agents.data.ledger.engine import writing
from agents.data.store import Store
from agents.data.why import why

BEGIN = datetime(2025, 1, 1, 4, 0, tzinfo=UTC)
SESSIONS, CYCLES, ZONES, ORDERS = 250, 125, 10, 4
MADE = datetime(2026, 1, 1, tzinfo=UTC)
LIMIT_MS = 100.0

# One quarter of an hour is a row of `session_candles`; every session has ten zones of two blocks and a gap each. Rows
# lie in the order of time, as a desk writes them.
STORE_SQL = f"""
    insert into instruments values ('NIFTY', 'index', 0.05, null, null, null, null);
    create temp table days as
        select i::int as n, $begin::timestamptz + to_days(i::int) as start, start::date as day
        from range({SESSIONS}) t(i);
    insert into session_candles
        select 'NIFTY', day, start + to_minutes(c::int * 15), start + to_minutes(c::int * 15 + 15),
               440000, 440100, 439900, 440050, c, '1m', $made
        from days, range(25) t(c);
    insert into zones
        select printf('zone%04d%08d', n, z), 'NIFTY', day, 'demand', 440000, 440400, start,
               start + to_minutes(z::int * 15 + 15), z, 0.6, 2, $made
        from days, range({ZONES}) t(z);
    insert into zone_components
        select id, instrument, session, known_at, k.kind, id || k.kind, low, high, $made
        from zones, (values ('order_block'), ('fair_value_gap'), ('explosive_zone')) k(kind);
    insert into zone_parts
        select id, instrument, session, known_at, p::varchar, 0.5, 1.0, $made from zones, range(6) t(p);
    insert into order_blocks
        select id, instrument, session, 'demand', low, high, known_at, known_at, known_at, 9, $made
        from zone_components where kind = 'order_block';
    insert into fair_value_gaps
        select id, instrument, session, 'demand', low, high, known_at, known_at, $made
        from zone_components where kind = 'fair_value_gap';
    insert into explosive_zones
        select id, instrument, session, 'demand', 'rally', low, high, known_at, known_at, $made
        from zone_components where kind = 'explosive_zone';
    insert into volume_profile
        select 'NIFTY', session, closed_at, s.scope, 440000, 439000, 441000, 20, 1000, 'future', 0, 1.0, $made
        from session_candles, (values ('rolling'), ('session')) s(scope);
    insert into verdicts
        select id, instrument, session, known_at, 'rules', 'confirm', 0.8, 'holds', 'ok', '', 'sha', $made from zones;
    insert into lifecycle_events
        select 'zones', id, instrument, session, known_at + to_minutes(15), 'touched', 1, $made from zones;
    insert into option_quotes
        select 'NIFTY', start + to_minutes(c::int * 3), day, 22000 + 50 * (q % 41), if(q < 41, 'CE', 'PE'),
               2000, 2010, 75, 75, 2005, 100, 0, 50, 12.0, 'bench'
        from days, range({CYCLES}) t(c), range(82) u(q) order by 2, 3, 4, 5;
"""


def main() -> None:
    """Build the year, ask, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=200)
    number = parser.parse_args().questions
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "market.duckdb", "replay", now=lambda: MADE)
        ledger = Ledger.open(Path(folder) / "ledger.sqlite", "replay", now=lambda: MADE)
        with store.write() as connection:
            for statement in STORE_SQL.split(";\n"):
                values = {
                    name: value for name, value in {"begin": BEGIN, "made": MADE}.items() if f"${name}" in statement
                }
                if statement.strip():
                    connection.execute(statement, values or None)
        fill(ledger)
        size = sum(path.stat().st_size for path in Path(folder).iterdir() if path.is_file()) / 1e6
        print(f"{ledger.events(after=0, limit=1)[0].seq}..{ledger.verify().checked} events, {size:.0f} MB on disk")
        ask(ledger, store, number)


def fill(ledger: Ledger) -> None:
    """Write the cycles and orders of a year, a session in a transaction."""
    for day in range(SESSIONS):
        with writing(ledger._engine) as connection:  # noqa: SLF001 - one commit each would take an hour
            for slot in range(CYCLES):
                at = BEGIN + timedelta(days=day, minutes=3 * slot)
                trades = slot % 30 == 20
                record = cycle_record(day, slot, at, trades=trades)
                append_event(connection, "cycle", record, key=record["cycle_id"], at=at, recorded_at=at)
                for state in ("entry_pending", "protected", "target_done") if trades else ():
                    order = {**record["order"], "state": state}
                    append_event(connection, "order", order, key=None, at=at, recorded_at=at)


def cycle_record(day: int, slot: int, at: datetime, *, trades: bool) -> dict[str, Any]:  # Any: JSON
    """Return a record as large as a real one: forty candidates, eight zones."""
    zone = f"zone{day:04d}{slot % ZONES:08d}"
    candidates = [
        {"contract": f"NIFTY2506{strike}CE", "strike": str(strike), "premium": "93.70", "delta": 0.41, "score": 0.2,
         "rejected": "" if strike % 7 else "delta below 0.35"}
        for strike in range(22000, 24050, 50)
    ]  # fmt: skip
    setup = {
        "setup_id": f"setup{day:03d}{slot:03d}", "zone_id": zone, "side": "demand", "contract": "NIFTY250622000CE",
        "premium_entry": "93.70", "premium_stop": "72.20", "premium_target": "144.55", "risk_reward": 2.28,
        "decided_at": at.isoformat(),
    }  # fmt: skip
    order = {
        "correlation_id": f"A25{day:03d}{slot:03d}01", "setup_id": setup["setup_id"], "zone_id": zone, "lots": 2,
        "lot_size": 75, "contract": setup["contract"], "entry_limit": "93.70", "placed_at": at.isoformat(),
    }  # fmt: skip
    chain = {"at": at.isoformat(), "pcr_oi": 1.1, "max_pain": 22000.0, "atm_iv": 0.12, "forward": 22010.0}
    return {
        "cycle_id": f"cycle{day:04d}{slot:07d}", "instrument": "NIFTY", "at": at.isoformat(), "zone_id": zone,
        "decision": "trade" if trades else "skip", "reason": "order_placed" if trades else "vetoed",
        "price": "22005", "price_at": at.isoformat(), "candidates": candidates, "setup": setup, "chain": chain,
        "zones": [{"zone_id": f"zone{day:04d}{number:08d}", "low": "1", "high": "2"} for number in range(8)],
        "order": order if trades else None,
    }  # fmt: skip


def ask(ledger: Ledger, store: Store, number: int) -> None:
    """Ask for orders, cycles and zones of the whole year in turn, and print quantiles of wall and processor time."""
    day_of = cycle(range(3, SESSIONS, 7))
    asked = {
        "order": [f"A25{day:03d}05001" for day in islice(day_of, number)],
        "cycle": [f"cycle{day:04d}{77:07d}" for day in islice(day_of, number)],
        "zone": [f"zone{day:04d}{3:08d}" for day in islice(day_of, number)],
    }
    why(ledger, store, asked["order"][0])  # the first opens the files
    for kind, ids in asked.items():
        wall, busy = [], []
        for each in ids:
            began, used = time.perf_counter(), time.process_time()
            links = why(ledger, store, each).links
            wall.append((time.perf_counter() - began) * 1000)
            busy.append((time.process_time() - used) * 1000)
        spread = statistics.quantiles(wall, n=100)
        verdict = "ok" if spread[49] < LIMIT_MS else "TOO SLOW"
        print(
            f"{kind:6} {len(ids)} asked, {len(links)} steps: wall p50 {spread[49]:.0f} p99 {spread[98]:.0f} ms, "
            f"processor p50 {statistics.median(busy):.0f} ms, limit {LIMIT_MS:.0f} ms: {verdict}"
        )


if __name__ == "__main__":
    main()
