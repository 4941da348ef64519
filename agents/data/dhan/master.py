"""The instrument master of a day: what can be traded, under which id, in which lots and ticks.

Columns are found by name and a missing one is an error, because Dhan has renamed and added columns before. Symbols are
not unique, and ids are used again after expiry; so an instrument is its segment and id on a date, or its underlying,
expiry, strike and type.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from agents.data.dhan.master_layouts import BYTE_ORDER_MARK, MasterChangedError, layout_of
from agents.data.names import canonical_name
from agents.domain.errors import MissingDataError
from agents.domain.values import OptionType

INDEX_SEGMENT, DERIVATIVES = "IDX_I", "NSE_FNO"
_NEVER = date(1, 1, 1)
_PAISE = Decimal(100)
_SEGMENTS = {
    ("NSE", "I"): "IDX_I",
    ("BSE", "I"): "IDX_I",
    ("NSE", "E"): "NSE_EQ",
    ("NSE", "D"): "NSE_FNO",
    ("NSE", "C"): "NSE_CURRENCY",
    ("BSE", "E"): "BSE_EQ",
    ("BSE", "D"): "BSE_FNO",
    ("MCX", "M"): "MCX_COMM",
}
_WANTED = {"INDEX": "index", "FUTIDX": "future", "OPTIDX": "option"}


@dataclass(frozen=True)
class Listing:
    """One instrument on one day.

    `kind` is index, future or option; `tick_size` and the price limits are in rupees. `freeze` is the largest quantity
    of one order, None where the file does not say; the file holds one more than that for options.
    """

    segment: str
    security_id: int
    kind: str
    underlying: str
    symbol: str
    lot_size: int
    tick_size: Decimal
    expiry_on: date | None = None
    strike: Decimal | None = None
    option_type: OptionType | None = None
    upper_limit: Decimal | None = None
    lower_limit: Decimal | None = None
    freeze: int | None = None

    @property
    def chart_kind(self) -> str:
        """What the charts call this kind of instrument."""
        return {kind: code for code, kind in _WANTED.items()}[self.kind]


@dataclass(frozen=True)
class InstrumentMaster:
    """What is listed on a day: indices, and futures and options on them."""

    on: date
    listings: tuple[Listing, ...]
    _by_id: dict[tuple[str, int], Listing] = field(init=False, repr=False, compare=False)
    _options: dict[tuple[str, date | None, Decimal | None, OptionType | None], Listing] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        options = [each for each in self.listings if each.kind == "option"]
        object.__setattr__(self, "_by_id", {(each.segment, each.security_id): each for each in self.listings})
        keyed = {(each.underlying, each.expiry_on, each.strike, each.option_type): each for each in options}
        object.__setattr__(self, "_options", keyed)

    def by_id(self, segment: str, security_id: int) -> Listing:
        """Return an instrument by its id. Raises `MissingDataError` if the day does not list it."""
        found = self._by_id.get((segment, security_id))
        if found is None:
            raise MissingDataError(f"the master of {self.on} has no {security_id} in {segment}; is it of today?")
        return found

    def index(self, name: str) -> Listing:
        """Return an index by the desk's name for it. Raises `MissingDataError` if the day does not list it."""
        for each in self.listings:
            if each.kind == "index" and each.underlying == name:
                return each
        raise MissingDataError(f"the master of {self.on} has no index {name}; check the spelling")

    def option(self, underlying: str, expiry_on: date, strike: Decimal, right: OptionType) -> Listing:
        """Return an option by what it is. Raises `MissingDataError` if the day does not list it."""
        found = self._options.get((underlying, expiry_on, strike, right))
        if found is None:
            ends = ", ".join(str(on) for on in self.expiries(underlying)[:3]) or "none"
            raise MissingDataError(
                f"the master of {self.on} has no {underlying} {expiry_on} {strike} {right.value}; next expiries: {ends}"
            )
        return found

    def futures(self, underlying: str, on: date) -> Sequence[Listing]:
        """Return the futures that have not expired before a date, the nearest first."""
        found = [each for each in self.listings if each.kind == "future" and each.underlying == underlying]
        return sorted((each for each in found if _ends(each) >= on), key=_ends)

    def near_future(self, underlying: str, on: date, *, after_close: bool = False) -> Listing:
        """Return the near-month future of a date; on its last day after the close already the next one.

        Raises
        ------
        MissingDataError
            If no future is left.
        """
        live = [each for each in self.futures(underlying, on) if not (after_close and each.expiry_on == on)]
        if not live:
            raise MissingDataError(f"the master of {self.on} has no future on {underlying} after {on}; fetch today's")
        return live[0]

    def expiries(self, underlying: str) -> Sequence[date]:
        """Return the expiries of the options on an underlying, the nearest first."""
        return sorted({_ends(each) for each in self._options.values() if each.underlying == underlying})


def parse_master(lines: Iterable[str], on: date, *, underlyings: frozenset[str] | None = None) -> InstrumentMaster:
    """Return the master in a file of either layout.

    Parameters
    ----------
    lines : iterable of str
        The file, its header first.
    on : date
        The day it is of.
    underlyings : frozenset of str, optional
        Keep only these and all indices.

    Raises
    ------
    MasterChangedError
        If columns are missing, or a row that concerns us cannot be read.
    """
    rows = csv.reader(lines)
    header = [name.strip().removeprefix(BYTE_ORDER_MARK) for name in next(rows, [])]
    layout = layout_of(header)
    place = {name: header.index(name) for name in layout.columns}
    found = []
    for number, row in enumerate(rows, start=2):
        _refuse_broken(row, number, rows.line_num, max(place.values()))
        if len(row) <= max(place.values()) or row[place[layout.kind]].strip() not in _WANTED:
            continue
        cells = {
            name: row[place[column]].strip() if column else ""
            for name, column in vars(layout).items()
            if name != "name"
        }
        if underlyings is not None and cells["kind"] != "INDEX" and _underlying(cells) not in underlyings:
            continue
        try:
            listing = _listing(cells, number)
        except ValueError as error:
            raise MasterChangedError(
                f"line {number} of the {layout.name} instrument master of {on} cannot be read ({error}): "
                f"{','.join(row)[:120]}; compare it with agents/data/dhan/master.py"
            ) from error
        if listing:
            found.append(listing)
    return InstrumentMaster(on, tuple(found))


def _refuse_broken(row: Sequence[str], number: int, read: int, last: int) -> None:
    """Raise `MasterChangedError` if a line runs into the next one, or one that concerns us ends too early."""
    if read != number:
        raise MasterChangedError(
            f"line {number} of the instrument master opens a quote and never closes it; fetch it again"
        )
    if len(row) <= last and _WANTED.keys() & {cell.strip() for cell in row}:
        raise MasterChangedError(
            f"line {number} of the instrument master has {len(row)} cells and needs {last + 1}: {','.join(row)[:120]}; "
            "the file was cut short: fetch it again"
        )


def _listing(cells: dict[str, str], number: int) -> Listing | None:
    """Return what a row lists; None for exchanges' test symbols and segments that have no feed."""
    segment = _SEGMENTS.get((cells["exchange"], cells["segment"]))
    underlying = _underlying(cells)
    if segment is None or "NSETEST" in underlying:
        return None
    kind = _WANTED[cells["kind"]]
    is_index, is_option = kind == "index", kind == "option"
    lot, tick = _figure(cells, "lot"), _figure(cells, "tick")
    expiry = None if is_index else date.fromisoformat(cells["expiry"][:10])
    if lot <= 0 or lot % 1 or tick <= 0 or expiry == _NEVER:
        raise ValueError(f"row {number} has lot {lot}, tick {tick}, expiry {expiry}")
    freeze = int(_figure(cells, "freeze")) if cells["freeze"] else 0
    return Listing(
        segment=segment,
        security_id=int(cells["security_id"]),
        kind=kind,
        underlying=canonical_name(cells["symbol"]) if is_index else underlying,
        symbol=cells["symbol"],
        lot_size=int(lot),
        tick_size=(tick if is_index else tick / _PAISE).normalize(),
        expiry_on=expiry,
        strike=_whole(_figure(cells, "strike")) if is_option else None,
        option_type=OptionType(cells["option_type"]) if is_option else None,
        upper_limit=_positive(cells, "upper"),
        lower_limit=_positive(cells, "lower"),
        freeze=_largest(freeze, int(lot)),
    )


def _underlying(cells: dict[str, str]) -> str:
    return canonical_name(cells["underlying"] or cells["symbol"].partition("-")[0])


def _largest(freeze: int, lot: int) -> int | None:
    """Return the largest quantity that one order may have: whole lots not above the limit, which itself is refused."""
    return (freeze - 1 if freeze % lot == 1 else freeze) // lot * lot or None


def _figure(cells: dict[str, str], name: str) -> Decimal:
    """Return a cell as a number, which "nan" and "Infinity" are not."""
    try:
        value = Decimal(cells[name])
    except InvalidOperation as error:
        raise ValueError(f"its {name} is {cells[name]!r}, which is no number") from error
    if not value.is_finite():
        raise ValueError(f"its {name} is {cells[name]!r}, which is no number")
    return value


def _positive(cells: dict[str, str], name: str) -> Decimal | None:
    value = _figure(cells, name) if cells[name] else Decimal(0)
    return value if value > 0 else None


def _whole(strike: Decimal) -> Decimal:
    """Return a strike as the desk writes it: 25650, not 25650.00000."""
    return Decimal(f"{strike.normalize():f}")


def _ends(listing: Listing) -> date:
    if listing.expiry_on is None:
        raise ValueError(f"{listing.symbol} does not expire")
    return listing.expiry_on
