"""Predict a noisy measurement: `fit(times, values)` returns what is to be expected at the times 0, 1, … 9.

The values decay towards a floor that differs from one instance to the next. The score is the mean squared error against what
they were made from.
"""

import math
import random


def instances(split, seed):
    rng = random.Random(f"{split} {seed}")
    made = []
    for _ in range(6):
        height, rate, floor = rng.uniform(1, 3), rng.uniform(0.3, 1.0), rng.uniform(0, 1)
        times = [rng.uniform(0, 9) for _ in range(30)]
        right = [floor + height * math.exp(-rate * t) for t in range(10)]
        values = [floor + height * math.exp(-rate * t) + rng.gauss(0, 0.05) for t in times]
        made.append({"arguments": (times, values), "right": right})
    return made


def score(instance, answer):
    right = instance["right"]
    if len(answer) != len(right):
        raise ValueError(f"{len(right)} predictions are needed")
    return sum((a - b) ** 2 for a, b in zip(answer, right, strict=True)) / len(right)
