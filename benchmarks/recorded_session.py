"""A recorded session for `exchange_replay`: what was recorded, and the bytes that an exchange makes of it."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from agents.data.feed.packets import FeedKey
from exchange.accounts import Account, Accounts
from exchange.clock import MarketClock, at_ist
from exchange.core import Core
from exchange.hub import Hub
from exchange.recorded import Recording, recorded_market

CLIENT = "1000000001"
STEP = 15_000  # at sixty times real time the server looks four times a second
DAYS_BEFORE = 7

Row = tuple[int, ...]


@dataclass(frozen=True)
class Candles:
    """Recorded candles: open, high, low, close in ticks and volume, by instrument and opening in seconds."""

    rows: Mapping[tuple[FeedKey, int], Row]
    opens_at: int
    closes_at: int


def read(folder: Path, on: date) -> Recording:
    """Return the session and some before it, from which previous closes come."""
    last = pd.Timestamp(on, tz="Asia/Kolkata") + pd.Timedelta(days=1)
    days = [("ts", ">=", last - pd.Timedelta(days=DAYS_BEFORE)), ("ts", "<", last)]
    frames = [
        pd.read_parquet(folder / f"dev_{name}_1m.parquet", filters=days) for name in ("index", "futures", "options")
    ]
    return Recording(*frames)


def candles_of(recording: Recording, on: date, listed: Collection[tuple[str, int]], minutes: int) -> Candles:
    """Return the recorded candles of the first minutes of a session, straight from the frames.

    Raises
    ------
    LookupError
        If the exchange lists other instruments than were recorded.
    """
    ids = {}
    for one in recorded_market(recording, 0).contracts(on):
        name = one.underlying if one.kind == "INDEX" else (one.underlying, one.expiry_on, one.strike, one.option_type)
        ids[name] = FeedKey(one.segment, one.security_id)
    if set(ids.values()) != set(listed):
        raise LookupError("the instrument master does not list what was recorded; look at both")
    found: dict[tuple[FeedKey, int], Row] = {}
    for frame in (recording.index, recording.futures, recording.options):
        today = frame[frame["ts"].dt.tz_convert("Asia/Kolkata").dt.date == on]
        for name, rows in today.groupby("instrument"):
            first = rows.iloc[0]
            if "strike" in rows:
                key = ids[first["underlying"], _date(first["expiry"]), int(first["strike"]), first["option_type"]]
            elif "expiry" in rows:
                key = ids[str(name).split("-", maxsplit=1)[0], _date(first["expiry"]), 0, "XX"]
            else:
                key = ids[name]
            opened = (rows["ts"] - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1)
            prices = np.rint(rows[["open", "high", "low", "close"]].to_numpy() * 20).astype(int)
            volume = rows["volume"].to_numpy(dtype=int)
            found |= {
                (key, at): (*row, units)
                for at, row, units in zip(opened, prices.tolist(), volume.tolist(), strict=True)
            }
    opens_at = at_ist(on, 9, 15) // 1000
    closes_at = opens_at + minutes * 60
    return Candles({place: row for place, row in found.items() if place[1] < closes_at}, opens_at, closes_at)


def digest(recording: Recording, on: date, seed: int, minutes: int) -> str:
    """Return a digest of every byte that one client gets who subscribes to everything before the open."""
    market = recorded_market(recording, seed)
    starts = at_ist(on, 9, 14)
    accounts = Accounts(1, [Account(CLIENT)])
    token = accounts.issue(CLIENT, starts)
    clock = MarketClock(lambda: starts)
    clock.set(starts, speed=0.0)
    core = Core(market, accounts, clock, seed=seed)
    hub = Hub(core)
    channel = hub.connect(CLIENT, token, core.settle())
    listed = market.contracts(on)
    for start in range(0, len(listed), 100):
        wanted = listed[start : start + 100]
        rows = [{"ExchangeSegment": one.segment, "SecurityId": str(one.security_id)} for one in wanted]
        hub.request(
            channel, json.dumps({"RequestCode": 21, "InstrumentCount": len(rows), "InstrumentList": rows}), core.now
        )
    sent = hashlib.sha256()
    while core.now < at_ist(on, 9, 16) + minutes * 60_000:
        clock.move(STEP)
        hub.advance(core.settle())
        for frame in channel.take(core.now):
            sent.update(frame)
    return sent.hexdigest()


def _date(value: object) -> date:
    return pd.Timestamp(str(value)).date()
