from itertools import pairwise


def find_at_dist(t, dist):
    """For each place and last letter: one string for every distance that can be reached so far."""
    start = sum(a != b for a, b in pairwise(t))
    reached = {("", start): ""}
    for letter in t:
        further = {}
        for (last, so_far), s in reached.items():
            for new in "AB":
                far = so_far + (new != letter) + (last not in ("", new))
                further.setdefault((new, far), s + new)
        reached = further
    return next(s for (_, far), s in reached.items() if far == dist)
