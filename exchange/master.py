"""The instrument master as CSV, in the columns and with the oddities of Dhan's files.

Both files print ticks of derivatives in paise and of indices in rupees, lots as floats, and futures with a strike of
-0.01. The compact one gives every expiry the time 14:30 and leaves the symbol's name blank for derivatives. The
detailed one ends each line with a comma and names NSE's token, not Dhan's id, as the underlying of a derivative.
"""

from collections.abc import Iterable

from exchange.contracts import IDX_I, UNDERLYINGS, Contract

COMPACT_COLUMNS = (
    "SEM_EXM_EXCH_ID,SEM_SEGMENT,SEM_SMST_SECURITY_ID,SEM_INSTRUMENT_NAME,SEM_EXPIRY_CODE,SEM_TRADING_SYMBOL,"
    "SEM_LOT_UNITS,SEM_CUSTOM_SYMBOL,SEM_EXPIRY_DATE,SEM_STRIKE_PRICE,SEM_OPTION_TYPE,SEM_TICK_SIZE,SEM_EXPIRY_FLAG,"
    "SEM_EXCH_INSTRUMENT_TYPE,SEM_SERIES,SM_SYMBOL_NAME"
)
DETAILED_COLUMNS = (
    "EXCH_ID,SEGMENT,SECURITY_ID,ISIN,INSTRUMENT,UNDERLYING_SECURITY_ID,UNDERLYING_SYMBOL,SYMBOL_NAME,DISPLAY_NAME,"
    "INSTRUMENT_TYPE,SERIES,LOT_SIZE,SM_EXPIRY_DATE,STRIKE_PRICE,OPTION_TYPE,TICK_SIZE,EXPIRY_FLAG,BRACKET_FLAG,"
    "COVER_FLAG,ASM_GSM_FLAG,ASM_GSM_CATEGORY,BUY_SELL_INDICATOR,BUY_CO_MIN_MARGIN_PER,BUY_CO_SL_RANGE_MAX_PERC,"
    "BUY_CO_SL_RANGE_MIN_PERC,BUY_BO_MIN_MARGIN_PER,BUY_BO_PROFIT_RANGE_MAX_PERC,BUY_BO_PROFIT_RANGE_MIN_PERC,"
    "MTF_LEVERAGE,SM_UPPER_LIMIT,SM_LOWER_LIMIT,SM_FREEZE_QTY,"
)
_TYPES = {"INDEX": "INDEX", "FUTIDX": "FUT", "OPTIDX": "OP"}


def compact_csv(contracts: Iterable[Contract]) -> str:
    """Return the compact file."""
    return "\n".join([COMPACT_COLUMNS, *map(_compact, contracts)]) + "\n"


def detailed_csv(contracts: Iterable[Contract]) -> str:
    """Return the detailed file; of one segment when given only its contracts."""
    return "\n".join([DETAILED_COLUMNS, *map(_detailed, contracts)]) + "\n"


def _compact(contract: Contract) -> str:
    is_index = contract.segment == IDX_I
    return ",".join(
        (
            "NSE",
            "I" if is_index else "D",
            str(contract.security_id),
            contract.kind,
            "0",
            contract.symbol,
            f"{contract.lot_size:.1f}",
            contract.display,
            f"{contract.expiry_on} 14:30:00" if contract.expiry_on else "0001-01-01",
            _strike(contract),
            contract.option_type,
            _tick(contract),
            "" if is_index else contract.expiry_flag,
            _TYPES[contract.kind],
            "X" if is_index else "",
            contract.underlying if is_index else "",
        )
    )


def _detailed(contract: Contract) -> str:
    is_index = contract.segment == IDX_I
    underlying = UNDERLYINGS[contract.underlying]
    head = (
        "NSE",
        "I" if is_index else "D",
        str(contract.security_id),
        "NA",
        contract.kind,
        str(underlying.security_id if is_index else underlying.token),
        contract.underlying,
        contract.symbol,
        contract.display,
        _TYPES[contract.kind],
        "NA",
        f"{contract.lot_size:.1f}",
        str(contract.expiry_on) if contract.expiry_on else "0001-01-01",
        _strike(contract),
        contract.option_type,
        _tick(contract),
        contract.expiry_flag,
    )
    tail = ("N", "N", "N", "NA", "A", "0", "0", "0", "0", "0", "0", "0")
    limits = (f"{contract.upper_limit / 100:.4f}", f"{contract.lower_limit / 100:.4f}", _freeze(contract), "")
    return ",".join((*head, *tail, *limits))


def _strike(contract: Contract) -> str:
    if contract.kind == "OPTIDX":
        return f"{contract.strike}.00000"
    return "" if contract.kind == "INDEX" else "-0.01000"


def _tick(contract: Contract) -> str:
    return f"{contract.tick / 100:.4f}" if contract.kind == "INDEX" else f"{contract.tick}.0000"


def _freeze(contract: Contract) -> str:
    """Return the first quantity that is refused for options; for futures the exchange's own number."""
    if contract.kind == "INDEX":
        return "0"
    if contract.kind == "FUTIDX":
        return str(UNDERLYINGS[contract.underlying].freeze)
    return str(contract.freeze + 1)
