from analytics_ext._inputs import Float64s, Int64s

def sweep(
    family: Int64s,
    bottom: Int64s,
    top: Int64s,
    weight: Float64s,
    by_bottom: Int64s,
    by_top: Int64s,
    bases: Int64s,
    min_families: int,
    /,
) -> tuple[Int64s, Float64s]: ...
