-- The ledger as it was written, so that one query joins a zone with its orders and with what was said of it. The ledger
-- is the truth: these rows can be deleted and come back the same. Ids and `state` are taken out of the payload (JSON).
create table ledger_events (
    seq bigint, happened_at timestamptz, written_at timestamptz, kind varchar, key varchar,
    zone_id varchar, setup_id varchar, cycle_id varchar, correlation_id varchar, order_id varchar, state varchar,
    payload varchar, prev_hash varchar, hash varchar
);

-- One row for each question to a model: costs in US dollars, latency in seconds.
create table ledger_calls (
    id bigint, key varchar, subject varchar, asked_at timestamptz, written_at timestamptz, model varchar,
    prompt_id varchar, prompt_version integer, prompt_sha varchar, facts varchar, body varchar, status varchar,
    detail varchar, attempts integer, input_tokens bigint, output_tokens bigint, cost double, latency double
);

-- The last state of each order.
create view ledger_orders as
select setup_id, max(zone_id) as zone_id, max(cycle_id) as cycle_id, max(correlation_id) as correlation_id,
       max(order_id) as order_id, arg_max(state, seq) as state, min(happened_at) as first_at,
       arg_max(written_at, seq) as last_written_at, count(*) as events
from ledger_events where setup_id is not null and kind in ('order', 'order_event') group by setup_id;
