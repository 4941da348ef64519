"""What the checks ask of the store: one SQL each, nothing else."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from agents.domain.zones import Outcome, ZoneVerdict, ZoneVerdictWord

if TYPE_CHECKING:
    import pandas as pd

    from agents.data.store import Row, Store

_UNSOUND = """
select instrument, session, closed_at,
    case
        when least(open, high, low, close) <= 0 then 'a price is not positive'
        when high < greatest(open, close) then 'the high is below open or close'
        when low > least(open, close) then 'the low is above open or close'
        when closed_at <= opened_at then 'it closes before it opens'
        when volume < 0 then 'its volume is negative'
        when copies > 1 then 'it is stored twice'
        else 'it lies outside its session'
    end as fault
from (
    select *, count(*) over (partition by instrument, closed_at) as copies
    from session_candles where list_contains(?, instrument) and list_contains(?, session)
)
where least(open, high, low, close) <= 0 or high < greatest(open, close) or low > least(open, close)
    or closed_at <= opened_at or volume < 0 or copies > 1
    or cast(timezone('Asia/Kolkata', opened_at) as date) <> session
order by instrument, closed_at
"""

_UNKNOWN_EVIDENCE = """
with findings as (
    select 'order_block' as kind, id from order_blocks
    union all select 'fair_value_gap', id from fair_value_gaps
    union all select 'explosive_zone', id from explosive_zones
)
select c.zone_id, c.kind, c.id
from zone_components c anti join findings f on c.kind = f.kind and c.id = f.id
where list_contains(?, c.instrument) and list_contains(?, c.session)
order by all
"""

_FROM_THE_FUTURE = """
select 'order_blocks' as family, id from order_blocks
    where event_at > known_at and list_contains($1, instrument) and list_contains($2, session)
union all select 'fair_value_gaps', id from fair_value_gaps
    where event_at > known_at and list_contains($1, instrument) and list_contains($2, session)
union all select 'explosive_zones', id from explosive_zones
    where event_at > known_at and list_contains($1, instrument) and list_contains($2, session)
union all select 'zones', id from zones
    where event_at > known_at and list_contains($1, instrument) and list_contains($2, session)
order by all
"""


_SNAPSHOTS = """
select quoted_at, expiry_on, count(*) as rows,
    bit_xor(hash(strike, option_type, bid, ask, bid_quantity, ask_quantity, ltp, open_interest, volume)) as content
from option_quotes
where underlying = $name and quoted_at >= $on::timestamp at time zone 'Asia/Kolkata'
    and quoted_at < ($on::timestamp + interval 1 day) at time zone 'Asia/Kolkata'
group by quoted_at, expiry_on order by quoted_at, expiry_on
"""


class Snapshot(NamedTuple):
    """One recorded chain: how many options it has, and a number that changes with anything in it."""

    quoted_at: datetime
    expiry_on: date
    rows: int
    content: int


class UnsoundCandle(NamedTuple):
    """A candle that cannot be, and why."""

    instrument: str
    session: date
    closed_at: datetime
    fault: str


class CitedFinding(NamedTuple):
    """A component of a zone whose finding is not stored."""

    zone_id: str
    kind: str
    id: str


def unsound_candles(store: "Store", instruments: Sequence[str], days: Sequence[date]) -> list[UnsoundCandle]:
    """Return the analysis candles that break a rule."""
    return [UnsoundCandle(*row) for row in store.rows(_UNSOUND, [list(instruments), list(days)])]


def stored_closes(store: "Store", instruments: Sequence[str], days: Sequence[date]) -> set[tuple[str, datetime]]:
    """Return (instrument, close) of each stored analysis candle."""
    sql = (
        "select instrument, closed_at from session_candles "
        "where list_contains(?, instrument) and list_contains(?, session)"
    )
    return {(name, closed_at) for name, closed_at in store.rows(sql, [list(instruments), list(days)])}


def latest_raw_close(store: "Store", instrument: str) -> datetime | None:
    """Return when the newest raw candle of an instrument closed, None where it has none."""
    found = store.rows("select max(closed_at) from candles where instrument = ?", [instrument])
    closed_at: datetime | None = found[0][0] if found else None
    return closed_at


def unbuilt_sessions(store: "Store", instrument: str, before: date) -> list[date]:
    """Return the sessions before a date that have recorded candles and no analysis candles, in order."""
    sql = (
        "select distinct session from candles where instrument = $1 and minutes <= 15 and session < $2 "
        "except select distinct session from session_candles where instrument = $1 order by session"
    )
    return [row[0] for row in store.rows(sql, [instrument, before])]


def ids_stored(store: "Store", table: str, ids: Sequence[str]) -> int:
    """Return how many of some findings a table has."""
    sql = f"select count(distinct id) from {table} where list_contains(?, id)"  # noqa: S608  (names come from code)
    return int(store.rows(sql, [list(ids)])[0][0])


def unknown_evidence(store: "Store", instruments: Sequence[str], days: Sequence[date]) -> list[CitedFinding]:
    """Return the components of zones whose finding is not in its table."""
    return [CitedFinding(*row) for row in store.rows(_UNKNOWN_EVIDENCE, [list(instruments), list(days)])]


def findings_from_the_future(store: "Store", instruments: Sequence[str], days: Sequence[date]) -> list[tuple[str, str]]:
    """Return (table, id) of the rows that were known before they happened."""
    return [(str(table), str(row)) for table, row in store.rows(_FROM_THE_FUTURE, [list(instruments), list(days)])]


def rows_known(store: "Store", table: str, instrument: str, days: Sequence[date], until: datetime) -> "pd.DataFrame":
    """Return a table's rows of some sessions that were known by `until`, without `recorded_at`."""
    sql = (
        f"select * exclude (recorded_at) from {table} "  # noqa: S608  (names come from code)
        "where instrument = ? and list_contains(?, session) and known_at <= ? order by all"
    )
    return store.frame(sql, [instrument, list(days), until])


def verdicts_of(store: "Store", instrument: str, days: Sequence[date], until: datetime) -> list[ZoneVerdict]:
    """Return the verdicts of some sessions that were known by `until`, oldest first."""
    sql = (
        "select zone_id, judge, verdict, probability, reason, outcome, call_key, prompt_sha, known_at from verdicts "
        "where instrument = ? and list_contains(?, session) and known_at <= ? order by known_at, recorded_at, zone_id"
    )
    return [_verdict(row) for row in store.rows(sql, [instrument, list(days), until])]


def _verdict(row: "Row") -> ZoneVerdict:
    zone_id, judge, word, probability, reason, outcome, call_key, prompt_sha, known_at = row
    return ZoneVerdict(
        zone_id=zone_id,
        judge=judge,
        verdict=ZoneVerdictWord(word),
        probability=probability,
        reason=reason,
        outcome=Outcome(outcome),
        call_key=call_key,
        prompt_sha=prompt_sha,
        known_at=known_at,
    )


def verdict_outcomes(store: "Store", instruments: Sequence[str], days: Sequence[date]) -> dict[str, int]:
    """Return how many verdicts ended in which outcome."""
    sql = (
        "select outcome, count(*) from verdicts where list_contains(?, instrument) and list_contains(?, session) "
        "group by all order by all"
    )
    return {str(outcome): int(count) for outcome, count in store.rows(sql, [list(instruments), list(days)])}


def recorded_chains(store: "Store", underlying: str, on: date) -> list[Snapshot]:
    """Return the chains that are recorded of a session, oldest first."""
    return [Snapshot(*row) for row in store.rows(_SNAPSHOTS, {"name": underlying, "on": on})]
