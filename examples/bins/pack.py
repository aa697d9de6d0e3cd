def pack(sizes, capacity):
    """Each item goes into the bin that is liked most with it inside: a number for each tenth of its room that is left."""
    liked = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9]
    bins, rooms = [], []
    for i, size in enumerate(sizes):
        fitting = [b for b, room in enumerate(rooms) if size <= room]
        if fitting:
            best = max(fitting, key=lambda b: liked[10 * (rooms[b] - size) // capacity])
            bins[best].append(i)
            rooms[best] -= size
        else:
            bins.append([i])
            rooms.append(capacity - size)
    return bins
