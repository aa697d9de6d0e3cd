import numpy as np


def algorithm(F, D, P):
    """Tabu search over swaps, every swap costed anew, begun again from elsewhere now and then."""
    F, D, P = np.array(F), np.array(D), np.array(P)
    n = len(F)
    rng = np.random.default_rng(1)
    first, second = np.triu_indices(n, 1)
    swaps = np.tile(np.arange(n), (len(first), 1))
    every = np.arange(len(first))
    swaps[every, first], swaps[every, second] = second, first
    current, best, best_cost = rng.permutation(n), None, np.inf
    free_at = np.zeros(len(first))
    for step in range(1700):
        if step % 250 == 249:
            current = rng.permutation(n)
        places = current[swaps]
        placed = D[places[:, :, None], places[:, None, :]].reshape(len(first), -1)
        costs = placed @ F.ravel() - 0.5 * P[np.arange(n), places].sum(axis=1)
        chosen = np.where((free_at > step) & (costs >= best_cost), np.inf, costs).argmin()
        current = places[chosen]
        free_at[chosen] = step + rng.integers(n // 2, 3 * n)
        if costs[chosen] < best_cost:
            best, best_cost = current, costs[chosen]
    return best.tolist()
