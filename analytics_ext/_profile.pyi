from analytics_ext._inputs import Int64s

def volume_profile(
    high: Int64s, low: Int64s, volume: Int64s, row: int, first_row: int, n_rows: int, by_touch: bool, /
) -> Int64s: ...
def value_area(rows: Int64s, numerator: int, denominator: int, two_row: bool, /) -> tuple[int, int, int]: ...
def rolling_value_area(
    high: Int64s,
    low: Int64s,
    volume: Int64s,
    window: int,
    row: int,
    first_row: int,
    n_rows: int,
    by_touch: bool,
    numerator: int,
    denominator: int,
    two_row: bool,
    /,
) -> Int64s: ...
