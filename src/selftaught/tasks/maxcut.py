"""`maxcut`: split the nodes of a weighted graph in two so that the edges between weigh much (paper, section 4, transfer).

The paper's graphs and limit; fewer of them, because the best cut of each must be searched for. There, any labels were
taken (all of them different: the whole weight counts as cut), weights were summed without a scale, and the start
solution was too slow for the limit; here it makes the same choices but keeps sums.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from selftaught.plain import JSON
from selftaught.sandbox import Limits
from selftaught.task import Instance, Split, Task
from selftaught.tasks.answers import bits

FEWEST, MOST = 50, 200
EDGE_CHANCE = 0.4
HEAVIEST = 10
SEARCHES = 8
"""Searches side by side, each from a random cut."""
STEPS = 1500
"""Moves of each search. Sixteen times the work found a better cut for 1 graph of 25, by 0.03 %."""

Weights = list[list[int]]


class Maxcut(Task):
    """A grade is the cut's weight over the best known for that graph: the heaviest that `best_cut` found."""

    name = "maxcut"
    entry = "algorithm"
    summary = "Max-Cut: split a weighted graph in two, against the best cut known"
    limits = Limits(cpu_s=0.1)
    instances: Mapping[Split, int] = {"train": 5, "validation": 10, "test": 20}

    start = """\
def algorithm(adjacency_matrix):
    nodes = len(adjacency_matrix)
    partition = [-1] * nodes
    weights = [[0] * nodes, [0] * nodes]
    remaining = list(range(nodes))
    while remaining:
        cut, node, side = max(
            (weights[1 - side][node], -node, -side) for node in remaining for side in (0, 1)
        )
        node, side = -node, -side
        partition[node] = side
        remaining.remove(node)
        for neighbour, weight in enumerate(adjacency_matrix[node]):
            weights[side][neighbour] += weight
    return partition
"""

    @property
    def description(self) -> str:
        return (
            f"Maximum cut. `algorithm(adjacency_matrix)` is given the symmetric matrix, a list of lists, of a graph of "
            f"{FEWEST} to {MOST} nodes: each pair of nodes is joined with probability {EDGE_CHANCE:g} by an edge with a "
            f"whole weight from 1 to {HEAVIEST}; 0 means no edge. It returns a list with a side for each node, each 0 or 1; "
            f"other labels are invalid. The cut is the sum of the weights of all edges whose ends are on different sides. "
            f"The grade of an instance is its cut over the best cut that a long local search found for the same graph, at "
            f"most 1. numpy may be imported."
        )

    def draw(self, rng: random.Random) -> Instance:
        seed = rng.getrandbits(62)
        weights = _graph(seed)
        return Instance((weights,), (weights, best_cut(seed)))

    def grade(self, instance: Instance, answer: JSON) -> float:
        weights, best = instance.truth
        return min(1.0, _cut(weights, answer) / best)

    def explain(self, instance: Instance, answer: JSON) -> str:
        weights, best = instance.truth
        return f"cut {_cut(weights, answer)} where {best} is known, {len(weights)} nodes"


def _cut(weights: Weights, answer: JSON) -> int:
    sides = bits(answer, len(weights), "sides")
    ones = [node for node, side in enumerate(sides) if side]
    zeros = [node for node, side in enumerate(sides) if not side]
    return sum(sum(map(weights[one].__getitem__, zeros)) for one in ones)


def _graph(seed: int) -> Weights:
    rng = random.Random(seed)
    nodes = rng.randint(FEWEST, MOST)
    weights = [[0] * nodes for _ in range(nodes)]
    for a in range(nodes):
        for b in range(a):
            if rng.random() < EDGE_CHANCE:
                weights[a][b] = weights[b][a] = int(rng.random() * HEAVIEST) + 1
    return weights


@lru_cache(maxsize=100_000)
def best_cut(seed: int) -> int:
    """The heaviest cut of graph `seed` that tabu search finds; remembered, since a graph is drawn again and again."""
    import numpy as np

    weights = np.array(_graph(seed), dtype=float)
    rng = np.random.default_rng(seed)
    rows = np.arange(SEARCHES)
    sides = rng.choice([-1.0, 1.0], size=(SEARCHES, len(weights)))
    # What flipping a node adds to the cut: its weight to its own side less that to the other.
    gains = sides * (sides @ weights)
    cuts = _weight_of_cut(weights, sides)
    best = cuts.max()
    free_at = np.zeros(sides.shape, dtype=int)
    for step in range(STEPS):
        barred = (free_at > step) & (cuts[:, None] + gains <= best)
        chosen = np.where(barred, -np.inf, gains).argmax(axis=1)
        cuts += gains[rows, chosen]
        gains[rows, chosen] *= -1
        gains -= 2 * sides * sides[rows, chosen][:, None] * weights[chosen]
        sides[rows, chosen] *= -1
        free_at[rows, chosen] = step + rng.integers(len(weights) // 20, len(weights) // 5, size=SEARCHES)
        best = max(best, cuts.max())
    return round(best)


def _weight_of_cut(weights: Any, sides: Any) -> Any:
    return (weights.sum() - (sides @ weights * sides).sum(axis=1)) / 4
