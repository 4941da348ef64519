"""What an instrument shows at a moment: its last trade, and bids and offers about it.

The last trade was made at the bid or at the offer, and the other side stands a spread away; sizes change four times a
second. Which side, how wide and how much depend on the instrument and the moment alone.
"""

from typing import NamedTuple

import numpy as np

from exchange.clock import Millis
from exchange.contracts import Contract
from exchange.listings import Listed
from exchange.market import DEPTH, Book, Level
from exchange.tapes import MINUTE, Tape

SIZES_CHANGE_EVERY = 250
THOUSANDTH = 1_000  # an option's spread is at most about a thousandth of its price, and at least a tick
FUTURE_SPREAD_TICKS = 2
LARGEST_LOTS = 60
SHOWN_OF_ALL = 24  # all bids are this many times the five shown
_MASK = (1 << 64) - 1
_NEVER = 1 << 62


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
    depth = () if contract.kind == "INDEX" else (Level(0, 0, 0, 0, 0, 0),) * DEPTH
    traded = _untraded(contract.previous_close, (open_interest,) * 3)
    return _book(contract, traded, depth)


class _Traded(NamedTuple):
    """What changes with trades only; open interest as it is, its highest and its lowest."""

    price: int
    quantity: int
    at: Millis
    volume: int
    average: int
    interest: tuple[int, int, int]
    open: int
    high: int
    low: int


class Books:
    """The books of one instrument through one session.

    It remembers the latest answer, since most questions about a moment come again or come next; answers depend on the
    moment alone.

    Parameters
    ----------
    listed : Listed
        The instrument.
    tape : Tape
        Its prints.
    """

    def __init__(self, listed: Listed, tape: Tape) -> None:
        self._listed = listed
        self._tape = tape
        self._place = -1
        self._from, self._until = 0, 0
        self._traded = _untraded(listed.contract.previous_close, (listed.previous_open_interest,) * 3)
        self._slot = -1
        interest = tape.open_interest
        extremes = (np.maximum.accumulate(interest), np.minimum.accumulate(interest))
        self._interests = list(zip(*(column.tolist() for column in (interest, *extremes)), strict=True))
        self._latest: Book | None = None

    def at(self, now: Millis) -> Book:
        """Return what the instrument shows at a moment of its session."""
        if not self._from <= now < self._until:
            self._seek(now)
        slot = now // SIZES_CHANGE_EVERY
        if self._latest is None or slot != self._slot:
            contract = self._listed.contract
            depth = _quotes(contract, self._traded.price, self._place, slot)
            self._latest, self._slot = _book(contract, self._traded, depth), slot
        return self._latest

    def _seek(self, now: Millis) -> None:
        """Find the trade that is the last at a moment, and how long the answer holds."""
        tape = self._tape
        place = tape.last(now)
        self._place, self._latest = place, None
        self._until = int(tape.at[place + 1]) if place + 1 < len(tape.at) else _NEVER
        if place < 0:
            self._from = 0
            before = (self._listed.previous_open_interest,) * 3
            self._traded = _untraded(self._listed.contract.previous_close, before)
            return
        row = int(tape.row[place])
        minute_ends = int(tape.opened_at[row]) + MINUTE
        over = now >= minute_ends  # a minute's open interest is known when it is over
        self._from = minute_ends if over else int(tape.at[place])
        self._until = self._until if over else min(self._until, minute_ends)
        volume = int(tape.volume[place])
        self._traded = _Traded(
            int(tape.price[place]),
            int(tape.quantity[place]),
            int(tape.at[place]),
            volume,
            int(tape.turnover[place]) // volume if volume else 0,
            self._interest(row + over),
            int(tape.price[0]),
            int(tape.high[place]),
            int(tape.low[place]),
        )

    def _interest(self, known: int) -> tuple[int, int, int]:
        """Return open interest after so many minutes: the latest, the highest, the lowest."""
        return self._interests[known - 1] if known else (self._listed.previous_open_interest,) * 3


def _untraded(price: int, interest: tuple[int, int, int]) -> _Traded:
    return _Traded(price, 0, 0, 0, 0, interest, 0, 0, 0)


def _book(contract: Contract, traded: _Traded, depth: tuple[Level, ...]) -> Book:
    best = depth[0] if depth else Level(0, 0, 0, 0, 0, 0)
    return Book(
        bid=best.bid,
        ask=best.ask,
        bid_quantity=best.bid_quantity,
        ask_quantity=best.ask_quantity,
        ltp=traded.price,
        ltq=traded.quantity,
        ltt=traded.at,
        volume=traded.volume,
        average=traded.average,
        open_interest=traded.interest[0],
        open_interest_high=traded.interest[1],
        open_interest_low=traded.interest[2],
        open=traded.open,
        high=traded.high,
        low=traded.low,
        previous_close=contract.previous_close,
        total_bid_quantity=sum([level.bid_quantity for level in depth]) * SHOWN_OF_ALL,
        total_ask_quantity=sum([level.ask_quantity for level in depth]) * SHOWN_OF_ALL,
        depth=depth,
    )


def _quotes(contract: Contract, price: int, place: int, slot: int) -> tuple[Level, ...]:
    """Return five levels about a price; none for an index."""
    if contract.kind == "INDEX":
        return ()
    tick, lot = contract.tick, contract.lot_size
    nature = mixed(contract.security_id, place)
    widest = price // (THOUSANDTH * tick) if contract.kind == "OPTIDX" else FUTURE_SPREAD_TICKS
    spread = (1 + nature % (widest + 1)) * tick
    bid = price - spread if nature >> 32 & 1 else price
    ask = max(bid + spread, tick)
    bits = mixed(contract.security_id, slot)
    levels = []
    for _ in range(DEPTH):
        bid_lots, ask_lots = 1 + (bits & 63) % LARGEST_LOTS, 1 + (bits >> 6 & 63) % LARGEST_LOTS
        if bid > 0:
            levels.append(Level(bid_lots * lot, ask_lots * lot, 1 + bid_lots // 3, 1 + ask_lots // 3, bid, ask))
        else:
            levels.append(Level(0, ask_lots * lot, 0, 1 + ask_lots // 3, 0, ask))
        bid, ask, bits = bid - tick, ask + tick, bits >> 12
    return tuple(levels)
