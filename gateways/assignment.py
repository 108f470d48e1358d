"""Who is paired with whom at the least cost? SciPy's answer to domain.matching.batch.Solver."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def least_cost(costs: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """The (row, column) pairs, as many as there are of the fewer, that cost least together.

    The costs are finite; the same costs give the same pairs. Raises ValueError for any that are no
    numbers.
    """
    # Loading SciPy takes half a second and tens of megabytes; most processes never need it.
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(np.asarray(costs, dtype=float))
    return list(zip(rows.tolist(), columns.tolist(), strict=True))
