"""Pack items into as few bins as possible: `pack(sizes, capacity)` returns a list of bins, each a list of indices of items.

The score is the number of bins. Every item must be in one bin, and no bin may hold more than its capacity.
"""

import random


def instances(split, seed):
    rng = random.Random(f"{split} {seed}")
    return [([rng.randint(10, 60) for _ in range(100)], 100) for _ in range(10)]


def score(instance, answer):
    sizes, capacity = instance
    if sorted(i for one in answer for i in one) != list(range(len(sizes))):
        raise ValueError("every item must be in one bin")
    if any(sum(sizes[i] for i in one) > capacity for one in answer):
        raise ValueError("a bin holds more than its capacity")
    return len(answer)
