"""Gaussian processes whose kernel is a sum over variables and pairs, weighed by marginal likelihood."""

from itertools import combinations

import numpy as np


def predict(points, values, asked):
    x, z, y = np.array(points), np.array(asked), np.array(values)
    shift, spread = y.mean(), y.std()
    y = (y - shift) / spread
    both = np.concatenate([x, z])
    parts = []
    for i in range(x.shape[1]):
        square = (both[:, None, i] - both[None, : len(x), i]) ** 2
        parts += [np.exp(-square / (2 * width**2)) for width in (0.25, 0.7)]
    for i, j in combinations(range(x.shape[1]), 2):
        square = (both[:, None, i] - both[None, : len(x), i]) ** 2 + (both[:, None, j] - both[None, : len(x), j]) ** 2
        parts.append(np.exp(-square / (2 * 0.6**2)))
    kernels = np.array(parts)
    weights = climbed(kernels[:, : len(x)], y)
    total = np.tensordot(weights[:-1], kernels, axes=1)
    known = total[: len(x)] + weights[-1] * np.eye(len(x))
    return (shift + spread * total[len(x) :] @ np.linalg.solve(known, y)).tolist()


def climbed(kernels, y):
    """Weights of the kernels and of the noise, by gradient ascent of their logarithms."""
    logs = np.log(np.full(len(kernels) + 1, 0.5 / len(kernels)))
    logs[-1] = np.log(0.02)
    first, second = np.zeros_like(logs), np.zeros_like(logs)
    unit = np.eye(len(y))
    for _ in range(120):
        weights = np.exp(logs)
        inverse = np.linalg.inv(np.tensordot(weights[:-1], kernels, axes=1) + weights[-1] * unit)
        alpha = inverse @ y
        inner = np.outer(alpha, alpha) - inverse
        gradient = np.append((kernels * inner).sum(axis=(1, 2)), np.trace(inner)) * weights / 2 - 0.3
        first += 0.1 * (gradient - first)
        second += 0.05 * (gradient**2 - second)
        logs += 0.15 * first / (np.sqrt(second) + 1e-9)
    return np.exp(logs)
