"""Place n points in the unit square such that the two nearest ones are as far apart as possible."""

import math


# EVOLVE-BLOCK-START
def place(n):
    points = []
    for i in range(n):
        angle = 2.0 * math.pi * i / n
        points.append((0.5 + 0.2 * math.cos(angle), 0.5 + 0.2 * math.sin(angle)))
    return points


# EVOLVE-BLOCK-END


def run(n=7):
    return place(n)
