def distances(points):
    """The sum of the distances of all pairs of numbers."""
    total = 0.0
    for i in range(len(points)):
        for j in range(len(points)):
            total += abs(points[i] - points[j]) / 2
    return total
