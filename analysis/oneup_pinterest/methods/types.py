"""Define the array and column types that methods and statistics share."""

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Columns = dict[str, pl.DataType | type[pl.DataType]]
