"""What an instrument shows at a moment: its last trade, and bids and offers about it.

The last trade was made at the bid or at the offer, and the other side stands a spread away; sizes change four times a
second. Which side, how wide and how much depend on the instrument and the moment alone.
"""

import numpy as np

from exchange.clock import Millis
from exchange.contracts import Contract
from exchange.listings import Listed
from exchange.market import DEPTH, Book, Level
from exchange.tapes import MINUTE, Tape

SIZES_CHANGE_EVERY = 250
TENTH_PERCENT = 1_000  # a spread is about a tenth of a percent of an option's price, at least a tick
LARGEST_LOTS = 60
SHOWN_OF_ALL = 24  # all bids together are this many times the best level's reach
_MASK = (1 << 64) - 1


def mixed(*numbers: int) -> int:
    """Return 64 well-mixed bits that belong to some numbers."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = (state ^ number) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def quiet_book(contract: Contract, open_interest: int) -> Book:
    """Return the book of an instrument nobody has traded or quoted: its previous close and nothing else."""
    close = contract.previous_close
    depth = () if contract.kind == "INDEX" else (Level(0, 0, 0, 0, 0, 0),) * DEPTH
    oi = open_interest
    return Book(0, 0, 0, 0, close, 0, 0, 0, 0, oi, oi, oi, 0, 0, 0, close, 0, 0, depth)


def book(listed: Listed, tape: Tape, now: Millis) -> Book:
    """Return what an instrument shows at a moment of its session."""
    place = tape.last(now)
    if place < 0:
        return _before_first_trade(listed, now)
    contract = listed.contract
    price = int(tape.price[place])
    volume = int(tape.volume[place])
    interest = _open_interest(listed, tape, int(tape.row[place]), now)
    best = _quotes(contract, price, place, now)
    return Book(
        bid=best[0].bid if best else 0,
        ask=best[0].ask if best else 0,
        bid_quantity=best[0].bid_quantity if best else 0,
        ask_quantity=best[0].ask_quantity if best else 0,
        ltp=price,
        ltq=int(tape.quantity[place]),
        ltt=int(tape.at[place]),
        volume=volume,
        average=int(tape.turnover[place]) // volume if volume else 0,
        open_interest=interest[0],
        open_interest_high=interest[1],
        open_interest_low=interest[2],
        open=int(tape.price[0]),
        high=int(tape.high[place]),
        low=int(tape.low[place]),
        previous_close=contract.previous_close,
        total_bid_quantity=sum(level.bid_quantity for level in best) * SHOWN_OF_ALL,
        total_ask_quantity=sum(level.ask_quantity for level in best) * SHOWN_OF_ALL,
        depth=best,
    )


def _before_first_trade(listed: Listed, now: Millis) -> Book:
    """Return bids and offers about the previous close."""
    contract = listed.contract
    empty = quiet_book(contract, listed.previous_open_interest)
    depth = _quotes(contract, contract.previous_close, -1, now)
    if not depth:
        return empty
    best = depth[0]
    return Book(
        best.bid,
        best.ask,
        best.bid_quantity,
        best.ask_quantity,
        empty.ltp,
        *(0, 0, 0, 0, empty.open_interest, empty.open_interest, empty.open_interest, 0, 0, 0),
        empty.previous_close,
        sum(level.bid_quantity for level in depth) * SHOWN_OF_ALL,
        sum(level.ask_quantity for level in depth) * SHOWN_OF_ALL,
        depth,
    )


def _open_interest(listed: Listed, tape: Tape, row: int, now: Millis) -> tuple[int, int, int]:
    """Return open interest now, and its highest and lowest today; a minute's figure is known when it is over."""
    known = row + 1 if now >= int(tape.opened_at[row]) + MINUTE else row
    seen = tape.open_interest[:known]
    if len(seen) == 0:
        before = listed.previous_open_interest
        return before, before, before
    return int(seen[-1]), int(np.max(seen)), int(np.min(seen))


def _quotes(contract: Contract, price: int, place: int, now: Millis) -> tuple[Level, ...]:
    """Return five levels about a price; none for an index."""
    if contract.kind == "INDEX":
        return ()
    tick, lot = contract.tick, contract.lot_size
    nature = mixed(contract.security_id, place)
    widest = price // (TENTH_PERCENT * tick) if contract.kind == "OPTIDX" else 2
    spread = (1 + nature % (widest + 1)) * tick
    bought = nature >> 32 & 1
    bid, ask = (price - spread, price) if bought else (price, price + spread)
    if bid <= 0:
        bid, ask = 0, max(ask, tick)
    sizes = mixed(contract.security_id, now // SIZES_CHANGE_EVERY)
    levels = []
    for step in range(DEPTH):
        bid_price, ask_price = bid - step * tick, ask + step * tick
        bits = sizes >> (step * 12)
        bid_lots, ask_lots = 1 + (bits & 63) % LARGEST_LOTS, 1 + (bits >> 6 & 63) % LARGEST_LOTS
        there = bid_price > 0
        levels.append(
            Level(
                bid_lots * lot if there else 0,
                ask_lots * lot,
                1 + bid_lots // 3 if there else 0,
                1 + ask_lots // 3,
                max(bid_price, 0),
                ask_price,
            )
        )
    return tuple(levels)
