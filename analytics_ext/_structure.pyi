import numpy as np
from numpy.typing import NDArray

def find(high: NDArray[np.int64], low: NDArray[np.int64], half: int) -> tuple[NDArray[np.int8], NDArray[np.int64]]: ...
def breaks(
    close: NDArray[np.int64], kind: NDArray[np.int8], level: NDArray[np.int64], confirmed: NDArray[np.int64]
) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int64]]: ...
