"""The instruments that a store knows."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from agents.data.store import Row, Store
from agents.domain.errors import MissingDataError
from agents.domain.market import Instrument, InstrumentKind
from agents.domain.values import OptionType

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS = "instrument, kind, tick_size, underlying, expiry_on, strike, option_type"
_ONE = f"select {_COLUMNS} from instruments where instrument = ?"  # noqa: S608  (constant)


def load_instrument(store: Store, name: str) -> Instrument:
    """Return an instrument by name.

    Raises
    ------
    MissingDataError
        If the store has none of that name.
    """
    return _only(store.rows(_ONE, [name]), store, name)


def load_with_instrument(
    store: Store, name: str, sql: str, params: Mapping[str, object]
) -> tuple[Instrument, "pa.Table"]:
    """Return an instrument and what `sql` selects, both from one opening of the store.

    Raises
    ------
    MissingDataError
        If the store has none of that name.
    """
    import pyarrow as pa  # noqa: PLC0415  (a third of a second that not every process needs)

    with store.read() as connection:
        rows = connection.execute(_ONE, [name]).fetchall()
        table: pa.Table = connection.execute(sql, dict(params)).to_arrow_table()
    return _only(rows, store, name), table


def load_instruments(store: Store) -> Sequence[Instrument]:
    """Return every instrument of the store, by name."""
    return [_instrument(row) for row in store.rows(f"select {_COLUMNS} from instruments order by instrument")]  # noqa: S608  (constant)


def _only(rows: Sequence[Row], store: Store, name: str) -> Instrument:
    if not rows:
        raise MissingDataError(f"{name} is not in {store.path}; import its candles with `zonedesk import FILE`")
    return _instrument(rows[0])


def _instrument(row: Row) -> Instrument:
    name, kind, tick, underlying, expiry, strike, right = row
    return Instrument(
        name=name,
        kind=InstrumentKind(kind),
        tick_size=tick.normalize(),
        underlying=underlying,
        expiry_on=expiry,
        strike=None if strike is None else Decimal(f"{strike.normalize():f}"),  # 18000, not 18000.00
        option_type=OptionType(right) if right else None,
    )
