from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from analytics_ext._inputs import Int8s, Int64s

Bytes: TypeAlias = NDArray[np.uint8]

def zone_lifecycle(
    high: Int64s,
    low: Int64s,
    close: Int64s,
    direction: Int8s,
    bottom: Int64s,
    top: Int64s,
    confirmed: Int64s,
    max_touches: int,
    max_age: int,
    break_ticks: int,
    touches: Int64s,
    inside: Bytes,
    filled: Bytes,
    reason: Int8s,
    broken: Bytes,
    room: int,
    /,
) -> tuple[Int64s, Int8s, Bytes, Int64s, Int64s]: ...
def live_at(confirmed: Int64s, death: Int64s, origin: Int64s, at: int, window: int, /) -> Bytes: ...
