"""Is everybody paired as cheaply as can be?"""

import random
from itertools import permutations

import pytest

from gateways.assignment import least_cost


def test_rows_and_columns_are_paired_at_the_least_cost_in_all() -> None:
    assert least_cost([[1.0, 2.0], [1.0, 5.0]]) == [(0, 1), (1, 0)]


@pytest.mark.parametrize(("rows", "columns"), [(3, 5), (5, 3), (1, 1)])
def test_as_many_pairs_are_made_as_there_are_of_the_fewer(rows: int, columns: int) -> None:
    found = least_cost([[1.0] * columns for _ in range(rows)])
    assert len(found) == min(rows, columns)
    assert len({row for row, _ in found}) == len({column for _, column in found}) == len(found)


def test_nothing_else_costs_less() -> None:
    chance = random.Random(3)
    for _ in range(30):
        costs = [[chance.uniform(0, 20) for _ in range(5)] for _ in range(5)]
        found = sum(costs[row][column] for row, column in least_cost(costs))
        every = (sum(costs[n][m] for n, m in enumerate(order)) for order in permutations(range(5)))
        assert found == pytest.approx(min(every))


def test_the_same_costs_give_the_same_pairs() -> None:
    costs = [[1.0] * 7 for _ in range(6)]
    assert least_cost(costs) == least_cost(costs)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid"):
        least_cost([[float("nan"), 1.0]])
