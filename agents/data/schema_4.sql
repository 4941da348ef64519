-- The volatility at the money for a constant maturity, one row per index and session, taken at 15:20: what rank and
-- percentile are counted over. Decimals a year.
create table iv_history (
    underlying varchar, session date, measured_at timestamptz, maturity_days integer, iv double,
    near_expiry_on date, far_expiry_on date, source varchar, recorded_at timestamptz
);
