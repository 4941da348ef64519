"""The store's tables as Dagster shows them: columns, types and meanings, read once from the declared schema."""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

import dagster as dg

_TABLE = re.compile(r"create table (\w+) \(\n(.*?)\n\);", re.DOTALL)
_COLUMN = re.compile(r"(\w+) ([a-z]+(?:\([^)]*\))?)(?:,|$)")
_PRICE = "in ticks of the instrument"

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "instrument": "whose candles these are, such as NIFTY",
        "session": "date of the trading session, and the partition",
        "opened_at": "when the candle begins",
        "closed_at": "when the candle ends and may first be used",
        "open": f"first price, {_PRICE}",
        "high": f"highest price, {_PRICE}; of a finding, its upper edge",
        "low": f"lowest price, {_PRICE}; of a finding, its lower edge",
        "close": f"last price, {_PRICE}",
        "volume": "contracts or shares traded; 0 for an index without any",
        "open_interest": "contracts open at the close",
        "source": "where the numbers come from",
        "recorded_at": "when this row was written; the only column that a second run may change",
        "ingested_at": "when this row was first stored",
        "minutes": "length of the candle",
        "known_at": "close of the candle at which this could first be known",
        "event_at": "when it happened; never later than known_at",
        "scope": "session: since the open; rolling: the last `window` candles",
        "poc": f"point of control: the price with the most volume, {_PRICE}",
        "val": f"lower edge of the value area, {_PRICE}",
        "vah": f"upper edge of the value area, {_PRICE}",
        "row_ticks": "ticks in one row of the profile",
        "total_volume": "volume inside the profile",
        "basis": "future minus index at this candle, in ticks, taken off the future's prices",
        "coverage": "share of the window's candles that have this source",
        "price_row": "number of the price row: lowest tick divided by row_ticks",
        "volume_fixed": "volume of the row, in 1/65536 contracts",
        "id": "content id: the same finding has the same id in every run",
        "side": "demand (below price) or supply (above price)",
        "swing_at": "the swing that the block's move broke",
        "pattern": "how price left the base",
        "formation_confidence": "weighted mean of the zone's parts in [0, 1], frozen at known_at",
        "families": "kinds of evidence that overlap here",
        "zone_id": "the zone, by its content id",
        "kind": "family of the component: order_block, fair_value_gap or explosive_zone",
        "name": "which part of the confidence",
        "value": "the part, in [0, 1]",
        "weight": "what the part counts with",
        "subject": "table of the finding that the event is about",
        "event": "what became of it: touched, filled, broken, expired and so on",
        "touches": "visits so far",
        "candle": "number of the candle within its history",
        "atr": "Wilder's average true range, in ticks",
        "trend": "direction of the last structure break: +1, -1, 0 before the first",
        "profile_source": "where the profile's volume comes from",
        "session_share": "part of the session that has passed",
        "live_zones": "zones alive at this close",
        "judge": "who spoke: rules, openai:<model> or recorded:<model>",
        "verdict": "confirm, reject or unsure; only confirm lets a zone be traded",
        "probability": "the judge's probability that the zone holds",
        "reason": "in the judge's words, or one of the cycle's named reasons",
        "outcome": "how the call ended; anything but ok leaves the zone unconfirmed",
        "call_key": "content hash of the question; finds request and reply in the ledger",
        "prompt_sha": "hash of the prompt's version",
        "cycle_id": "one evaluation of the trade cycle",
        "decided_at": "moment of the decision",
        "decision": "trade, skip or fault",
        "setup_id": "the planned trade",
        "record": "the whole cycle record as JSON",
        "underlying": "the index that the option is on",
        "quoted_at": "when the chain was asked for",
        "expiry_on": "date of the expiry",
        "strike": "strike, rupees",
        "option_type": "CE (call) or PE (put)",
        "bid": "best bid, in ticks of 0.05 rupees; null where nobody bids",
        "ask": "best ask, in ticks of 0.05 rupees; null where nobody asks",
        "bid_quantity": "contracts at the best bid",
        "ask_quantity": "contracts at the best ask",
        "ltp": "last traded price, in ticks of 0.05 rupees; null before the first trade",
        "open_interest_change": "contracts opened since the last session",
        "iv": "implied volatility as the broker has it, percent",
        "contract": "the option that was bought",
        "lots": "whole lots",
        "entry_at": "when the entry filled",
        "entry": "premium paid, rupees",
        "exit_at": "when the exit filled",
        "exit": "premium received, rupees",
        "exit_reason": "final state of the order",
        "gross": "result before costs, rupees",
        "costs": "charges and brokerage, rupees",
        "net": "result after costs, rupees",
    }
)


class Table(NamedTuple):
    """A declared table: its name and its columns as (name, type), in order."""

    name: str
    columns: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def declared() -> Mapping[str, Table]:
    """Return every table of the store's schema, by name."""
    schema = (files("agents.data") / "schema.sql").read_text(encoding="utf-8")
    found = _TABLE.findall(schema)
    return MappingProxyType({name: Table(name, tuple(_COLUMN.findall(" ".join(body.split())))) for name, body in found})


def column_schema(table: str) -> dg.TableSchema:
    """Return the columns of `table` with their types and meanings.

    Raises
    ------
    KeyError
        If the schema declares no such table, or a column has no meaning in `MEANINGS`.
    """
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name=name, type=kind, description=MEANINGS[name]) for name, kind in declared()[table].columns
        ]
    )
