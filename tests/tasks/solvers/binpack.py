def priorities(capacity):
    """Best fit where almost nothing is left or very much; what leaves a gap that few items fill comes last."""

    def priority(left):
        return -left if left <= 2 else -1000 - left if left >= 35 else -2000 - left

    return [[priority(room - item) for room in range(item, capacity + 1)] for item in range(1, capacity + 1)]
