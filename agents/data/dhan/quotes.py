"""Last prices by REST: what the feed's quotes are checked against."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from agents.data.dhan.errors import DhanError
from agents.data.dhan.limiter import CallKind
from agents.data.dhan.master import Listing
from agents.data.dhan.reader import Reader
from agents.domain.market import Quote
from agents.domain.values import IST, round_to_tick

MOST = 1_000
_NEVER_YEAR = 1980


def fetch_quotes(reader: Reader, wanted: Mapping[str, Listing], at: datetime) -> dict[str, Quote]:
    """Return the quotes of instruments by the desk's names; those without a usable price are left out.

    Parameters
    ----------
    reader : Reader
        How to ask.
    wanted : mapping of str to Listing
        What the desk and the master call each; at most 1,000.
    at : datetime
        The market's present: the time of a quote that does not say when it last traded, as of an index.

    Raises
    ------
    ValueError
        If more than 1,000 are asked for.
    DhanError
        If the answer cannot be read, and as `Reader.reply`.
    """
    if len(wanted) > MOST:
        raise ValueError(f"Dhan quotes {MOST} instruments at once, not {len(wanted)}; ask in parts")
    ids: dict[str, list[int]] = {}
    for listing in wanted.values():
        ids.setdefault(listing.segment, []).append(listing.security_id)
    body = reader.read("quotes", CallKind.QUOTE, lambda client: client.quote_data(ids))
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, Mapping):
        raise DhanError("quotes: the answer has no data; Dhan changed it, see agents/data/dhan/quotes.py")
    found = {}
    for name, listing in wanted.items():
        row = (data.get(listing.segment) or {}).get(str(listing.security_id))
        quote = _quote(name, listing, row, at) if isinstance(row, Mapping) else None
        if quote is not None:
            found[name] = quote
    if missing := sorted(wanted.keys() - found.keys()):
        reader.spoilt("quotes", CallKind.QUOTE, "no price", f"no usable price of {', '.join(missing)}")
    return found


def _quote(name: str, listing: Listing, row: Mapping[str, Any], at: datetime) -> Quote | None:  # Any: JSON
    ltp = _price(row.get("last_price"), listing)
    if ltp is None:
        return None
    depth = row.get("depth") or {}
    bid, ask = (_price(_best(depth.get(side)), listing) for side in ("buy", "sell"))
    if bid is not None and ask is not None and bid > ask:
        bid = ask = None
    seen = _traded_at(row.get("last_trade_time")) or at
    return Quote(instrument=name, at=seen, ltp=ltp, bid=bid, ask=ask, offered=_offered(depth.get("sell")))


def _offered(levels: Sequence[Mapping[str, Any]] | None) -> int | None:  # Any: JSON
    """Return the units on sale in all levels that have a price, None where nobody sells or the answer is odd."""
    sizes: list[Any] = [level.get("quantity") for level in levels or () if level.get("price")]
    return sum(sizes) or None if all(isinstance(size, int) and size >= 0 for size in sizes) else None


def _best(levels: Sequence[Mapping[str, Any]] | None) -> Any:  # Any: JSON
    return levels[0].get("price") if levels else None


def _price(value: Any, listing: Listing) -> Decimal | None:  # Any: JSON
    if not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return None
    return max(round_to_tick(value, listing.tick_size), listing.tick_size)


def _traded_at(text: object) -> datetime | None:
    """Return when it last traded; None where nobody says, or it never did."""
    try:
        moment = datetime.strptime(str(text), "%d/%m/%Y %H:%M:%S").replace(tzinfo=IST)
    except ValueError:
        return None
    return moment if moment.year > _NEVER_YEAR else None
