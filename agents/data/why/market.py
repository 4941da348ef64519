"""The steps that the store knows: option quotes, the zone, what it is made of, and the candles below it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from agents.data.why.links import Link, RunOf
from agents.domain.values import content_hash

if TYPE_CHECKING:
    import duckdb

Facts = dict[str, Any]  # Any: the columns of a row

# Which asset writes each kind of component, and into which table.
_COMPONENTS = {
    "order_block": ("order_blocks", "order_blocks", "swing_at"),
    "fair_value_gap": ("fair_value_gaps", "fair_value_gaps", "event_at"),
    "explosive_zone": ("explosive_zones", "zones", "event_at"),
}
_ZONE = "select z.*, i.tick_size from zones z join instruments i using (instrument) where z.id = ? limit 1"
_PARTS = "select kind, id, low, high from zone_components where zone_id = ? order by kind, low, id"
_WEIGHTS = "select name, value, weight from zone_parts where zone_id = ? order by weight desc, name"
_LIFE = "select event, known_at, touches from lifecycle_events where subject = 'zones' and id = ? and known_at <= ?"
_VERDICT = "select * from verdicts where zone_id = ? and known_at <= ? order by known_at desc limit 1"
_LEVELS = "select * from volume_profile where instrument = ? and session = ? and known_at = ? order by scope"
_CANDLES = """
    select opened_at, closed_at, open, high, low, close, volume, source, session, recorded_at from session_candles
    where instrument = ? and closed_at between ? and ? order by closed_at
"""
_QUOTES = """
    select expiry_on, strike, option_type, bid, ask, ltp, open_interest, volume, iv, source from option_quotes
    where underlying = ? and quoted_at = ?
"""


class Ground(NamedTuple):
    """What stands under a decision: the steps, and the last verdict on its zone."""

    links: list[Link]
    verdict: Facts | None


def quote_links(connection: "duckdb.DuckDBPyConnection", record: Mapping[str, Any]) -> list[Link]:  # Any: as above
    """Return the chain that a cycle read: what it said, and the snapshot in the store by its hash."""
    chain = record.get("chain")
    if not chain:
        return []
    at = datetime.fromisoformat(chain["at"])
    rows = _rows(connection, _QUOTES, [record["instrument"], at])
    rows.sort(key=lambda row: (row["expiry_on"], row["strike"], row["option_type"]))  # some ms less than in the store
    digest = content_hash({"quotes": [_plain(row) for row in rows]}) if rows else ""
    stored = (
        f"{len(rows)} quotes, hash {digest[:16]}" if rows else "its quotes are not in the store (modelled, or pruned)"
    )
    words = [f"{name} {chain[name]:.4g}" for name in ("pcr_oi", "max_pain", "atm_iv", "forward") if chain.get(name)]
    facts = {**chain, "quotes": len(rows), "quotes_hash": digest}
    return [Link(what="option chain", at=at, text=f"{', '.join(words)}; {stored}", facts=facts)]


def zone_ground(connection: "duckdb.DuckDBPyConnection", zone_id: str, at: datetime, run_of: RunOf) -> Ground:
    """Return a zone as it was known at a moment, down to its candles and the runs that wrote them."""
    found = _rows(connection, _ZONE, [zone_id])
    if not found:
        return Ground([Link(what="zone", id=zone_id, text="not in the store: its session is not materialised")], None)
    zone = found[0]
    tick = Decimal(zone.pop("tick_size")).normalize()
    verdicts = _rows(connection, _VERDICT, [zone_id, at])
    parts = _component_rows(connection, zone_id)
    levels = _rows(connection, _LEVELS, [zone["instrument"], zone["session"], zone["known_at"]])
    since = min([zone["event_at"], *(part["since"] for part in parts if part["since"])])
    candles = _rows(connection, _CANDLES, [zone["instrument"], since, zone["known_at"]])
    links = [
        _zone(connection, zone, at, tick),
        *(_component(part, tick) for part in parts),
        *(_level(level, tick) for level in levels),
        *_candles(candles, zone["instrument"]),
    ]
    written = [("zones", zone), *((part["asset"], part) for part in parts if part["recorded_at"])]
    written += [("volume_profile", level) for level in levels[:1]]
    written += [("candles", candle) for candle in candles[-1:]]
    written += [("llm_validation", verdict) for verdict in verdicts]
    return Ground([*links, *_runs(written, run_of)], verdicts[0] if verdicts else None)


def _component_rows(connection: "duckdb.DuckDBPyConnection", zone_id: str) -> list[Facts]:
    """Return the components of a zone with their own rows; `since` is when the first of their candles closed."""
    parts = _rows(connection, _PARTS, [zone_id])
    for part in parts:
        table, asset, since = _COMPONENTS[part["kind"]]
        own = _rows(connection, f"select * from {table} where id = ? limit 1", [part["id"]])  # noqa: S608 - names from above
        row = own[0] if own else {}
        keep = {
            name: row.get(name) for name in ("known_at", "event_at", "swing_at", "pattern", "session", "recorded_at")
        }
        part |= {**keep, "asset": asset, "since": row.get(since) or row.get("event_at")}
    return parts


def _zone(connection: "duckdb.DuckDBPyConnection", zone: Facts, at: datetime, tick: Decimal) -> Link:
    weights = _rows(connection, _WEIGHTS, [zone["id"]])
    life = _rows(connection, _LIFE, [zone["id"], at])
    touches = sum(event["event"] == "touched" for event in life)
    text = (
        f"{zone['side']} {zone['low'] * tick} to {zone['high'] * tick}, formed with confidence "
        f"{zone['formation_confidence']:.2f} from {zone['families']} families, touched {touches} times by then"
    )
    facts = {**_plain(zone), "parts": weights, "life": [_plain(event) for event in life]}
    return Link(what="zone", id=zone["id"], at=zone["known_at"], text=text, facts=facts)


def _component(part: Facts, tick: Decimal) -> Link:
    text = f"{part['low'] * tick} to {part['high'] * tick}"
    return Link(what=part["kind"].replace("_", " "), id=part["id"], at=part["known_at"], text=text, facts=_plain(part))


def _level(level: Facts, tick: Decimal) -> Link:
    text = f"POC {level['poc'] * tick}, value {level['val'] * tick} to {level['vah'] * tick}, from {level['source']}"
    return Link(what=f"{level['scope']} profile", at=level["known_at"], text=text, facts=_plain(level))


def _candles(candles: Sequence[Facts], instrument: str) -> Iterator[Link]:
    if not candles:
        yield Link(what="candles", text="not in the store: the session is not materialised")
        return
    hashes = [candle_hash(instrument, candle) for candle in candles]
    digest = content_hash({"candles": hashes})
    text = (
        f"{len(candles)} candles of 15 minutes from {', '.join(sorted({str(c['source']) for c in candles}))}, "
        f"hash {digest[:16]}, first {hashes[0][:16]}, last {hashes[-1][:16]}"
    )
    each = [{"closed_at": str(c["closed_at"]), "hash": each} for c, each in zip(candles, hashes, strict=True)]
    yield Link(
        what="candles", id=digest[:16], at=candles[-1]["closed_at"], text=text, facts={"hash": digest, "each": each}
    )


def candle_hash(instrument: str, candle: Facts) -> str:
    """Return the hash of what a candle says: whose, when it began, its prices in ticks and its volume."""
    names = ("open", "high", "low", "close", "volume")
    begun = int(candle["opened_at"].timestamp())
    return content_hash({"instrument": instrument, "opened_at": begun, **{name: candle[name] for name in names}})


def _runs(written: Sequence[tuple[str, Facts]], run_of: RunOf) -> Iterator[Link]:
    """Yield the Dagster runs that recorded rows, each with the assets that it wrote."""
    made: dict[str | None, dict[str, datetime]] = {}
    for asset, row in written:
        run = run_of(asset, row["session"], row["recorded_at"])
        made.setdefault(run, {}).setdefault(f"{asset} of {row['session']}", row["recorded_at"])
    for run, assets in made.items():
        said = "recorded" if run else "recorded by a run that Dagster's log does not name (another writer, or pruned):"
        yield Link(
            what="run",
            id=run,
            at=max(assets.values()),
            text=f"{said} {', '.join(assets)}",
            facts={"assets": list(assets)},
        )


def _rows(connection: "duckdb.DuckDBPyConnection", sql: str, parameters: Sequence[object]) -> list[Facts]:
    cursor = connection.execute(sql, parameters)
    names = [str(column[0]) for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _plain(row: Mapping[str, Any]) -> Facts:  # Any: as above
    """Return a row as JSON can hold it."""
    return {name: value if isinstance(value, int | float | str | None) else str(value) for name, value in row.items()}
