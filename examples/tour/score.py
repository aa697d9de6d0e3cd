"""A short round trip: `tour(points)` returns the order, as indices, in which all points of the plane are visited once.

The score is the length of the closed tour.
"""

import math
import random


def instances(split, seed):
    rng = random.Random(f"{split} {seed}")
    return [([(rng.random(), rng.random()) for _ in range(40)],) for _ in range(8)]


def score(instance, answer):
    (points,) = instance
    if sorted(answer) != list(range(len(points))):
        raise ValueError("every point must be visited once")
    return sum(math.dist(points[a], points[b]) for a, b in zip(answer, answer[1:] + answer[:1], strict=True))
