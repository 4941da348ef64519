-- Everything in DuckDB. Prices are whole ticks of the instrument (instruments.tick_size rupees each), volumes whole
-- contracts or shares, times TIMESTAMPTZ. No constraints and no upserts: rows are merged by key in one transaction, so
-- that the same SQL runs on a catalogue that has neither.

create table meta (key varchar, value varchar);

create table instruments (
    instrument varchar, kind varchar, tick_size decimal(12, 6),
    underlying varchar, expiry_on date, strike decimal(12, 2), option_type varchar
);

-- One row per file that was imported (or simulated session), by the hash of its content.
create table imports (
    content_hash varchar, name varchar, rows_read bigint, rows_added bigint, issues bigint, imported_at timestamptz
);

-- Candles as they arrived, repaired only by stated rules. The first value seen of a candle is kept.
create table candles (
    instrument varchar, minutes integer, opened_at timestamptz, closed_at timestamptz, session date,
    open bigint, high bigint, low bigint, close bigint, volume bigint, open_interest bigint,
    source varchar, ingested_at timestamptz
);

-- Every decision of the cleaning: what was found, what was done. `action` is repaired, dropped, kept or reported.
create table data_issues (
    instrument varchar, minutes integer, session date, seen_at timestamptz,
    rule varchar, action varchar, detail varchar, source varchar, recorded_at timestamptz
);

-- Option quotes as a chain knows them, one row per contract and snapshot. Bid and ask in ticks, null where unknown.
create table option_quotes (
    underlying varchar, quoted_at timestamptz, expiry_on date, strike decimal(12, 2), option_type varchar,
    bid bigint, ask bigint, bid_quantity bigint, ask_quantity bigint, ltp bigint,
    open_interest bigint, open_interest_change bigint, volume bigint, iv double, source varchar
);

-- The analysis candles of a session: 15 minutes, from the finest complete source. One row per instrument and candle.
create table session_candles (
    instrument varchar, session date, opened_at timestamptz, closed_at timestamptz,
    open bigint, high bigint, low bigint, close bigint, volume bigint, source varchar, recorded_at timestamptz
);

-- One row per instrument, candle and scope (session = developing since the open, rolling = the last `window` candles).
create table volume_profile (
    instrument varchar, session date, known_at timestamptz, scope varchar,
    poc bigint, val bigint, vah bigint, row_ticks bigint, total_volume bigint,
    source varchar, basis bigint, coverage double, recorded_at timestamptz
);

-- What each candle added to the profile: one row per instrument, candle and price row, in 1/65536 contracts.
create table volume_profile_rows (
    instrument varchar, session date, known_at timestamptz, price_row bigint, volume_fixed bigint,
    recorded_at timestamptz
);

-- Findings: immutable, one row each, in the session in which they became known.
create table order_blocks (
    id varchar, instrument varchar, session date, side varchar, low bigint, high bigint,
    event_at timestamptz, known_at timestamptz, swing_at timestamptz, volume bigint, recorded_at timestamptz
);
create table fair_value_gaps (
    id varchar, instrument varchar, session date, side varchar, low bigint, high bigint,
    event_at timestamptz, known_at timestamptz, recorded_at timestamptz
);
create table explosive_zones (
    id varchar, instrument varchar, session date, side varchar, pattern varchar, low bigint, high bigint,
    event_at timestamptz, known_at timestamptz, recorded_at timestamptz
);
create table zones (
    id varchar, instrument varchar, session date, side varchar, low bigint, high bigint,
    event_at timestamptz, known_at timestamptz, candle bigint, formation_confidence double, families integer,
    recorded_at timestamptz
);
create table zone_components (
    zone_id varchar, instrument varchar, session date, known_at timestamptz, kind varchar, id varchar,
    low bigint, high bigint, recorded_at timestamptz
);
create table zone_parts (
    zone_id varchar, instrument varchar, session date, known_at timestamptz, name varchar, value double, weight double,
    recorded_at timestamptz
);

-- What became of findings and zones, as events: touched, half_filled, filled, inverted, mitigated, broken, retested,
-- expired, superseded. `subject` names the table, `touches` counts visits so far.
create table lifecycle_events (
    subject varchar, id varchar, instrument varchar, session date, known_at timestamptz, event varchar,
    touches integer, recorded_at timestamptz
);

-- The context of each analysis candle: what a zone's evidence is computed from.
create table analysis_candles (
    instrument varchar, session date, known_at timestamptz, candle bigint, close bigint, atr double, trend integer,
    poc bigint, val bigint, vah bigint, profile_source varchar, session_share double, live_zones integer,
    recorded_at timestamptz
);

create table verdicts (
    zone_id varchar, instrument varchar, session date, known_at timestamptz, judge varchar, verdict varchar,
    probability double, reason varchar, outcome varchar, call_key varchar, prompt_sha varchar, recorded_at timestamptz
);

-- One row per evaluation of the trade cycle; `record` is the whole CycleRecord as JSON.
create table cycles (
    cycle_id varchar, instrument varchar, session date, decided_at timestamptz, decision varchar, reason varchar,
    zone_id varchar, setup_id varchar, record varchar, recorded_at timestamptz
);

create table trades (
    setup_id varchar, zone_id varchar, instrument varchar, session date, contract varchar, lots integer,
    entry_at timestamptz, entry decimal(12, 2), exit_at timestamptz, exit decimal(12, 2), exit_reason varchar,
    gross decimal(14, 2), costs decimal(14, 2), net decimal(14, 2), recorded_at timestamptz
);

create table certificates (
    detector varchar, instrument varchar, first date, last date, prefixes bigint, findings bigint, rewritten bigint,
    candles_hash varchar, code_version varchar, certified_at timestamptz
);
