"""Many packings side by side by gradient descent with a growing price on overlap, then made exact; the best one."""

import numpy as np

TRIES, STEPS = 10, 700


def pack(n, width, height):
    rng = np.random.default_rng(0)
    sides = np.array([width, height])
    place = rng.uniform(0.05, 0.95, (TRIES, n, 2)) * sides
    radius = np.full((TRIES, n), 0.4 * (width * height / n) ** 0.5)
    values = np.concatenate([place, radius[..., None]], axis=2)
    first, second = np.zeros_like(values), np.zeros_like(values)
    off = 10 * np.eye(n)
    for step in range(STEPS):
        price = 5 * 400 ** (step / STEPS)
        gradient = slopes(values, sides, off, price)
        first += 0.1 * (gradient - first)
        second += 0.02 * (gradient**2 - second)
        values -= 0.012 * (1 - step / STEPS) ** 1.5 * first / (np.sqrt(second) + 1e-9)
    found = [exact(one, sides) for one in values]
    return max(found, key=lambda one: one[:, 2].sum()).tolist()


def slopes(values, sides, off, price):
    place, radius = values[..., :2], values[..., 2]
    apart = place[:, :, None] - place[:, None]
    distance = np.sqrt((apart**2).sum(axis=3)) + off
    over = np.maximum(0, radius[:, :, None] + radius[:, None] - distance)
    low = np.maximum(0, radius[..., None] - place)
    high = np.maximum(0, place + radius[..., None] - sides)
    pushes = -(over / distance)[..., None] * apart
    gradient = np.empty_like(values)
    gradient[..., :2] = 2 * price * (pushes.sum(axis=2) - low + high)
    gradient[..., 2] = -1 + 2 * price * (over.sum(axis=2) + (low + high).sum(axis=2))
    return gradient


def exact(one, sides):
    """Radii that fit: shrunk until nothing overlaps, then grown one after the other."""
    place = np.clip(one[:, :2], 0, sides)
    wall = np.minimum(place, sides - place).min(axis=1)
    distance = np.sqrt(((place[:, None] - place) ** 2).sum(axis=2)) + 10 * np.eye(len(place))
    radius = np.minimum(np.maximum(one[:, 2], 1e-3), wall)
    for _ in range(50):
        share = distance / (radius[:, None] + radius)
        radius *= np.minimum(1, share.min(axis=1))
    for _ in range(3):
        for i in np.argsort(-radius):
            radius[i] = max(0, min(wall[i], (distance[i] - radius).min()))
    return np.column_stack([place, np.maximum(0, radius - 1e-12)])
