def pack(sizes, capacity):
    """First fit: each item goes into the first bin with room."""
    bins, rooms = [], []
    for i, size in enumerate(sizes):
        for b, room in enumerate(rooms):
            if size <= room - 5:
                bins[b].append(i)
                rooms[b] -= size
                break
        else:
            bins.append([i])
            rooms.append(capacity - size)
    return bins
