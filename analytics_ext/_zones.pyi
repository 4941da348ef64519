from analytics_ext._inputs import Float64s, Int8s, Int64s

def average_true_range(high: Int64s, low: Int64s, close: Int64s, length: int, /) -> Float64s: ...
def explosive_zones(
    open: Int64s,  # noqa: A002 - the field's word
    high: Int64s,
    low: Int64s,
    close: Int64s,
    ranges: Float64s,
    body_atr: float,
    /,
) -> tuple[Int8s, Int64s, Float64s]: ...
