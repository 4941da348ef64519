-- What the live feed showed at the end of each second in which anything of an instrument changed. Prices are ticks,
-- quantities units; `as_of` is how far the feed had come, `traded_at` when the instrument last traded.
create table quote_snapshots (
    instrument varchar, taken_at timestamptz, as_of timestamptz, traded_at timestamptz,
    ltp bigint, bid bigint, ask bigint, bid_quantity bigint, ask_quantity bigint,
    volume bigint, open_interest bigint, source varchar, recorded_at timestamptz
);
