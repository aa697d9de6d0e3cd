import numpy as np


def algorithm(adjacency_matrix):
    """Tabu search over single nodes from one random cut."""
    weights = np.array(adjacency_matrix, dtype=float)
    nodes = len(weights)
    rng = np.random.default_rng(1)
    sides = rng.choice([-1.0, 1.0], size=nodes)
    gains = sides * (weights @ sides)
    free_at = np.zeros(nodes)
    cut = best = 0.0
    best_sides = sides.copy()
    for step in range(2000):
        chosen = np.where((free_at > step) & (cut + gains <= best), -np.inf, gains).argmax()
        cut += gains[chosen]
        gains[chosen] *= -1
        gains -= 2 * sides * sides[chosen] * weights[chosen]
        sides[chosen] *= -1
        free_at[chosen] = step + rng.integers(nodes // 20, nodes // 5)
        if cut > best:
            best, best_sides = cut, sides.copy()
    return [int(side > 0) for side in best_sides]
