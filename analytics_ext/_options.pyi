from analytics_ext._inputs import Float64s, Int8s, Int64s

def black76(
    forward: Float64s,
    strike: Float64s,
    years: Float64s,
    volatility: Float64s,
    discount: Float64s,
    sign: Int8s,
    /,
) -> Float64s: ...
def implied_volatility(
    premium: Float64s,
    forward: Float64s,
    strike: Float64s,
    years: Float64s,
    discount: Float64s,
    sign: Int8s,
    /,
) -> Float64s: ...
def max_pain(strike: Int64s, calls: Int64s, puts: Int64s, forward: float, /) -> tuple[int, Int64s]: ...
