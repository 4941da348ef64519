"""The columns of the two instrument masters, by name: what Dhan calls the cells that the desk needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from agents.domain.errors import DataError

BYTE_ORDER_MARK = "\ufeff"


class MasterChangedError(DataError):
    """The file does not have the columns that we know."""


@dataclass(frozen=True)
class Layout:
    """What the columns of one of the two files are called."""

    name: str
    exchange: str
    segment: str
    security_id: str
    kind: str
    underlying: str
    symbol: str
    expiry: str
    strike: str
    option_type: str
    lot: str
    tick: str
    upper: str = ""
    lower: str = ""
    freeze: str = ""

    @property
    def columns(self) -> list[str]:
        """The names that a header must have."""
        return [value for name, value in vars(self).items() if name != "name" and value]


_DETAILED = Layout(
    "detailed",
    exchange="EXCH_ID",
    segment="SEGMENT",
    security_id="SECURITY_ID",
    kind="INSTRUMENT",
    underlying="UNDERLYING_SYMBOL",
    symbol="SYMBOL_NAME",
    expiry="SM_EXPIRY_DATE",
    strike="STRIKE_PRICE",
    option_type="OPTION_TYPE",
    lot="LOT_SIZE",
    tick="TICK_SIZE",
    upper="SM_UPPER_LIMIT",
    lower="SM_LOWER_LIMIT",
    freeze="SM_FREEZE_QTY",
)
_COMPACT = Layout(
    "compact",
    exchange="SEM_EXM_EXCH_ID",
    segment="SEM_SEGMENT",
    security_id="SEM_SMST_SECURITY_ID",
    kind="SEM_INSTRUMENT_NAME",
    underlying="",  # blank there for derivatives: the symbol begins with it
    symbol="SEM_TRADING_SYMBOL",
    expiry="SEM_EXPIRY_DATE",
    strike="SEM_STRIKE_PRICE",
    option_type="SEM_OPTION_TYPE",
    lot="SEM_LOT_UNITS",
    tick="SEM_TICK_SIZE",
)


def layout_of(header: Sequence[str]) -> Layout:
    """Return the layout whose columns a header has.

    Raises
    ------
    MasterChangedError
        If it lacks one of them, or is no header of a master.
    """
    have = set(header)
    for layout in (_DETAILED, _COMPACT):
        missing = [name for name in layout.columns if name not in have]
        if not missing:
            return layout
        if layout.security_id in have or layout.kind in have:
            raise MasterChangedError(
                f"the {layout.name} instrument master lacks the columns {missing}; Dhan renamed them: "
                "find their new names in the file's header and put them into agents/data/dhan/master_layouts.py"
            )
    shown = ",".join(header)[:120] or "nothing"
    raise MasterChangedError(f"this is no instrument master: its first line is {shown!r}; fetch it again")
