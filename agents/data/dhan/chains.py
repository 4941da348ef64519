"""Option chains as Dhan shows them, as the desk's chain and as rows of the store."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from agents.data.contracts import OPTION_TICK, expiry_at
from agents.data.dhan.errors import DhanError
from agents.data.dhan.limiter import CallKind
from agents.data.dhan.master import InstrumentMaster, Listing
from agents.data.dhan.reader import Reader
from agents.data.names import contract_name
from agents.domain.errors import MissingDataError, StaleDataError
from agents.domain.market import OptionChain, OptionContract, OptionQuote
from agents.domain.values import OptionType, round_to_tick, to_ticks

if TYPE_CHECKING:
    import pyarrow as pa

STALE_AFTER = timedelta(minutes=6)
NO_PRICE = "no price"
_COUNTS = ("top_bid_quantity", "top_ask_quantity", "oi", "previous_oi", "volume")


@dataclass(frozen=True)
class ChainRow:
    """One option in a chain. Prices in rupees, None where nobody trades, bids or asks; counts in contracts."""

    listing: Listing
    ltp: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    bid_quantity: int
    ask_quantity: int
    open_interest: int
    previous_open_interest: int
    volume: int
    iv: float | None
    previous_close: Decimal | None = None


@dataclass(frozen=True)
class ChainSnapshot:
    """A chain as asked for at `at`. `gaps` says in words what was missing or could not be used."""

    underlying: str
    expiry_on: date
    at: datetime
    spot: Decimal
    rows: tuple[ChainRow, ...]
    gaps: tuple[str, ...]
    digest: str

    def chain(self) -> OptionChain:
        """Return the options that have traded, as the desk reads them."""
        ends = expiry_at(self.expiry_on)
        quotes = tuple(
            OptionQuote(
                contract=_contract(row.listing, ends),
                at=self.at,
                ltp=row.ltp,
                bid=row.bid,
                ask=row.ask,
                open_interest=row.open_interest,
                volume=row.volume,
                bid_quantity=row.bid_quantity if row.bid is not None else None,
                ask_quantity=row.ask_quantity if row.ask is not None else None,
                previous_close=row.previous_close,
                previous_open_interest=row.previous_open_interest,
                vendor_iv=None if row.iv is None else row.iv / 100.0,
            )
            for row in self.rows
            if row.ltp is not None
        )
        return OptionChain(underlying=self.underlying, at=self.at, expiry_at=ends, spot=self.spot, quotes=quotes)

    def table(self) -> "pa.Table":
        """Return every option as rows of ``option_quotes``, without their source."""
        import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)

        count, rows = len(self.rows), self.rows
        return pa.table(
            {
                "underlying": pa.array([self.underlying] * count, pa.string()),
                "quoted_at": pa.array([self.at] * count, pa.timestamp("us", tz="UTC")),
                "expiry_on": pa.array([self.expiry_on] * count, pa.date32()),
                "strike": pa.array([row.listing.strike for row in rows], pa.decimal128(12, 2)),
                "option_type": pa.array([_right(row.listing).value for row in rows], pa.string()),
                "bid": pa.array([_ticks(row.bid) for row in rows], pa.int64()),
                "ask": pa.array([_ticks(row.ask) for row in rows], pa.int64()),
                "bid_quantity": pa.array([row.bid_quantity for row in rows], pa.int64()),
                "ask_quantity": pa.array([row.ask_quantity for row in rows], pa.int64()),
                "ltp": pa.array([_ticks(row.ltp) for row in rows], pa.int64()),
                "open_interest": pa.array([row.open_interest for row in rows], pa.int64()),
                "open_interest_change": pa.array(
                    [row.open_interest - row.previous_open_interest for row in rows], pa.int64()
                ),
                "volume": pa.array([row.volume for row in rows], pa.int64()),
                "iv": pa.array([row.iv for row in rows], pa.float64()),
            }
        )


class ChainWatch:
    """Notices a chain that stands still, since nothing in it says of when it is."""

    def __init__(self, limit: timedelta = STALE_AFTER) -> None:
        self._limit = limit
        self._seen: dict[tuple[str, date], tuple[str, datetime]] = {}

    def refuse_stale(self, snapshot: ChainSnapshot) -> None:
        """Raise `StaleDataError` if the chain has been the same to the last digit for longer than the limit."""
        key = (snapshot.underlying, snapshot.expiry_on)
        digest, since = self._seen.get(key, ("", snapshot.at))
        if digest != snapshot.digest:
            self._seen[key] = (snapshot.digest, snapshot.at)
        elif snapshot.at - since > self._limit:
            raise StaleDataError(
                f"the option chain of {snapshot.underlying} {snapshot.expiry_on} has not changed since {since}; "
                "Dhan shows an old one: wait for it to move before trading on it"
            )


def fetch_expiries(reader: Reader, index: Listing) -> Sequence[date]:
    """Return the expiries of the options on an index, the nearest first.

    Raises
    ------
    DhanError
        If the answer cannot be read, and as `Reader.reply`.
    """
    what = f"the expiries of {index.underlying}"
    body = reader.read(what, CallKind.DATA, lambda client: client.expiry_list(index.security_id, index.segment))
    try:
        return sorted(date.fromisoformat(str(text)) for text in body["data"])
    except (KeyError, TypeError, ValueError) as error:
        raise DhanError(f"{what}: the answer cannot be read ({error}); ask again") from error


def fetch_chain(
    reader: Reader, master: InstrumentMaster, index: Listing, expiry_on: date, at: datetime
) -> ChainSnapshot:
    """Return the chain of one expiry, every option of it found in the master of the day.

    Raises
    ------
    DhanError
        If the answer has no price of the underlying or of any option, or an id that the master gives to another option.
    MissingDataError
        If the chain is empty.
    """
    name = index.underlying
    what = f"the option chain of {name} {expiry_on}"
    reply = reader.reply(
        what,
        CallKind.DATA,
        lambda: reader.wire.call(
            what, lambda client: client.option_chain(index.security_id, index.segment, str(expiry_on))
        ),
        chain=f"{name} {expiry_on}",
    )
    data = reply.json().get("data")
    strikes = data.get("oc") if isinstance(data, Mapping) else None
    spot = _price(data.get("last_price")) if isinstance(data, Mapping) else None
    if not isinstance(strikes, Mapping) or not strikes:
        raise MissingDataError(f"{what} is empty; is that an expiry of {name}?")
    if spot is None:
        reader.spoilt(what, CallKind.DATA, NO_PRICE, f"no price of {name}")
        raise DhanError(f"{what} has no price of {name} itself; leave it and ask again")
    gaps: list[str] = []
    rows = tuple(_rows(strikes, master, name, expiry_on, gaps))
    if not any(row.ltp or row.bid or row.ask for row in rows):
        reader.spoilt(what, CallKind.DATA, NO_PRICE, "no price of any option")
        raise DhanError(f"{what} has no price of any option; leave it and ask again")
    if gaps:
        reader.spoilt(what, CallKind.DATA, "gaps", f"{len(gaps)} gaps: {'; '.join(gaps[:5])}")
    digest = hashlib.sha256(reply.body).hexdigest()
    return ChainSnapshot(name, expiry_on, at, round_to_tick(spot, index.tick_size), rows, tuple(gaps), digest)


def _rows(
    strikes: Mapping[str, Any],  # Any: JSON
    master: InstrumentMaster,
    name: str,
    expiry_on: date,
    gaps: list[str],
) -> Iterator[ChainRow]:
    gaps += [f"{text!r} is no strike" for text in strikes if _price(text) is None]
    known = {price: sides for text, sides in strikes.items() if (price := _price(text)) is not None}
    for price, sides in sorted(known.items(), key=lambda item: item[0]):
        strike = Decimal(f"{price.normalize():f}")
        for right in OptionType:
            side = sides.get(right.value.lower()) if isinstance(sides, Mapping) else None
            if not side or not isinstance(side, Mapping):
                gaps.append(f"{strike} has no {right.value}")
                continue
            try:
                listing = master.option(name, expiry_on, strike, right)
            except MissingDataError:
                gaps.append(f"{strike} {right.value} is not in the master of {master.on}")
                continue
            _refuse_other_id(side.get("security_id"), listing, master)
            yield _row(side, listing, gaps)


def _refuse_other_id(said: Any, listing: Listing, master: InstrumentMaster) -> None:  # Any: JSON
    """Raise `DhanError` if the chain calls an option by an id that is not the master's; older chains have none."""
    if said is not None and _count(said) != listing.security_id:
        raise DhanError(
            f"the chain calls {listing.underlying} {listing.expiry_on} {listing.strike} {_right(listing).value} {said} "
            f"and the master of {master.on} calls it {listing.security_id}; fetch today's master before trading"
        )


def _row(side: Mapping[str, Any], listing: Listing, gaps: list[str]) -> ChainRow:  # Any: JSON
    option = f"{listing.strike} {_right(listing).value}"
    bid, ask = _price(side.get("top_bid_price")), _price(side.get("top_ask_price"))
    if bid is not None and ask is not None and bid > ask:
        gaps.append(f"{option} bids {bid} above the ask of {ask}: both left out")
        bid = ask = None
    gaps += [f"{option} has {side[name]!r} for {name}" for name in _COUNTS if _count(side.get(name)) is None]
    iv = side.get("implied_volatility")
    return ChainRow(
        listing=listing,
        ltp=_on_tick(_price(side.get("last_price"))),
        bid=_on_tick(bid),
        ask=_on_tick(ask),
        bid_quantity=_count(side.get("top_bid_quantity")) or 0,
        ask_quantity=_count(side.get("top_ask_quantity")) or 0,
        open_interest=_count(side.get("oi")) or 0,
        previous_open_interest=_count(side.get("previous_oi")) or 0,
        volume=_count(side.get("volume")) or 0,
        iv=float(iv) if isinstance(iv, int | float) and math.isfinite(iv) and iv > 0 else None,
        previous_close=_on_tick(_price(side.get("previous_close_price"))),
    )


def _price(value: Any) -> Decimal | None:  # Any: JSON
    """Return a price, None where it is missing, zero, negative or no number."""
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        return None
    return price if price.is_finite() and price > 0 else None


def _on_tick(price: Decimal | None) -> Decimal | None:
    return None if price is None else max(round_to_tick(price, OPTION_TICK), OPTION_TICK)


def _count(value: Any) -> int | None:  # Any: JSON
    """Return a count, 0 where there is none or it is below zero, None for what is no number."""
    try:
        count = Decimal(str(value or 0))
    except InvalidOperation:
        return None
    return max(int(count), 0) if count.is_finite() else None


def _ticks(price: Decimal | None) -> int | None:
    return None if price is None else to_ticks(price, OPTION_TICK)


def _right(listing: Listing) -> OptionType:
    if listing.option_type is None:
        raise ValueError(f"{listing.symbol} is not an option")
    return listing.option_type


def _contract(listing: Listing, ends: datetime) -> OptionContract:
    right = _right(listing)
    assert listing.expiry_on is not None
    assert listing.strike is not None
    return OptionContract(
        instrument=contract_name(listing.underlying, listing.expiry_on, listing.strike, right),
        underlying=listing.underlying,
        expiry_at=ends,
        strike=listing.strike,
        option_type=right,
        lot_size=listing.lot_size,
        tick_size=listing.tick_size,
    )
