"""Place seven points in the unit square such that each is far from its nearest neighbour."""

# EVOLVE-BLOCK-START
POINTS = [
    [0.70, 0.50],
    [0.62, 0.66],
    [0.46, 0.69],
    [0.32, 0.59],
    [0.32, 0.41],
    [0.46, 0.31],
    [0.62, 0.34],
]


def place():
    return [(x, y) for x, y in POINTS]


# EVOLVE-BLOCK-END


def run():
    return place()
