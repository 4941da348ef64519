import numpy as np
from numpy.typing import NDArray

def find(
    high: NDArray[np.int64],
    low: NDArray[np.int64],
    open_: NDArray[np.int64],
    close: NDArray[np.int64],
    directional_middle: bool,
) -> NDArray[np.int64]: ...
def follow(
    high: NDArray[np.int64], low: NDArray[np.int64], close: NDArray[np.int64], signed_bar: NDArray[np.int64]
) -> tuple[NDArray[np.int8], NDArray[np.int64]]: ...
def deepest(
    high: NDArray[np.int64],
    low: NDArray[np.int64],
    direction: NDArray[np.int8],
    bottom: NDArray[np.int64],
    top: NDArray[np.int64],
    confirmed: NDArray[np.int64],
    at: int,
) -> NDArray[np.float64]: ...
