"""The instrument table of a date: ids, lots, ticks, freeze quantities and expiries."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Contract:
    """One instrument as the exchange lists it on one date; prices in paise, quantities in contracts.

    `kind` is INDEX, FUTIDX or OPTIDX; `option_type` CE, PE or XX; `strike` whole rupees, 0 unless an option.
    `freeze` is the largest quantity one order may have. Limits of 0 mean no circuit.
    """

    security_id: int
    segment: str
    kind: str
    underlying: str
    underlying_id: int
    symbol: str
    display: str
    lot_size: int
    tick: int
    freeze: int
    expiry_on: date | None
    strike: int
    option_type: str
    expiry_flag: str
    lower_limit: int
    upper_limit: int
    previous_close: int
