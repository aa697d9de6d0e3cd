def tour(points):
    """Visit the nearest point that was not visited."""
    left = list(range(1, len(points)))
    path = [0]
    while left:
        x, y = points[path[-1]]
        nearest = min(left, key=lambda i: abs(points[i][0] - x) + 2.0 * abs(points[i][1] - y))
        left.remove(nearest)
        path.append(nearest)
    return path
