"""Make `distances(points)` faster: the sum, over all pairs of numbers, of how far they lie apart.

The score is the CPU time in milliseconds; a wrong sum (relative error above 1e-9) is no answer.
"""

import random


def instances(split, seed):
    rng = random.Random(f"{split} {seed}")
    made = []
    for _ in range(3):
        points = [rng.uniform(-1, 1) for _ in range(400)]
        ordered = sorted(points)
        right = sum((2 * i - len(points) + 1) * x for i, x in enumerate(ordered))
        made.append({"arguments": (points,), "right": right})
    return made


def score(instance, answer, used):
    if not abs(answer - instance["right"]) <= 1e-9 * abs(instance["right"]):
        raise ValueError("the sum is wrong")
    return 1000 * used.cpu_s
