import numpy as np
from numpy.typing import NDArray

def starts_of_levels(n: int) -> NDArray[np.intp]: ...
def pyramid(
    high: NDArray[np.int64], low: NDArray[np.int64], close: NDArray[np.int64], starts: NDArray[np.intp]
) -> NDArray[np.int64]: ...
