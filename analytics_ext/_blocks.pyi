import numpy as np
from numpy.typing import NDArray

def form(
    open_: NDArray[np.int64],
    high: NDArray[np.int64],
    low: NDArray[np.int64],
    close: NDArray[np.int64],
    volume: NDArray[np.int64],
    direction: NDArray[np.int8],
    swing_bar: NDArray[np.int64],
    at: NDArray[np.int64],
    split: bool,
    break_ticks: int,
) -> NDArray[np.int64]: ...
