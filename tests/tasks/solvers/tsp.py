"""Greedy neighbours, then Or-opt: 2-opt and moves of short pieces among near neighbours, kicked again and again."""

import random
from itertools import pairwise

import numpy as np

NEAR = 8
KICKS = 2500


def tour(cities):
    points = np.array(cities)
    distances = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
    near = np.argsort(distances, axis=1)[:, 1 : NEAR + 1].tolist()
    trip = Trip(nearest(distances), distances.tolist(), near)
    trip.improve(list(trip.order))
    rng = random.Random(0)
    n = len(cities)
    for _ in range(KICKS):
        trip.kick(rng.randrange(n), rng)
    return trip.order


def nearest(distances):
    left = distances.copy()
    order = [0]
    left[:, 0] = np.inf
    for _ in range(len(distances) - 1):
        order.append(int(left[order[-1]].argmin()))
        left[:, order[-1]] = np.inf
    return order


class Trip:
    def __init__(self, order, distances, near):
        self.order, self.d, self.near = order, distances, near
        self.at = [0] * len(order)
        for i, city in enumerate(order):
            self.at[city] = i

    def reverse(self, i, j):
        """Turn the piece from place i to place j round, the shorter way."""
        n = len(self.order)
        inside = (j - i) % n + 1
        if 2 * inside > n:
            i, j = (j + 1) % n, (i - 1) % n
            inside = n - inside
        order, at = self.order, self.at
        for _ in range(inside // 2):
            a, b = order[i], order[j]
            order[i], order[j] = b, a
            at[b], at[a] = i, j
            i, j = (i + 1) % n, (j - 1) % n

    def improve(self, queue):
        gained = 0.0
        changes = []
        while queue:
            city = queue.pop()
            while True:
                move = self.step(city)
                if not move:
                    break
                gain, i, j, touched = move
                self.reverse(i, j)
                changes.append((i, j))
                gained += gain
                queue += touched
        return gained, changes

    def step(self, a):
        order, at, d, n = self.order, self.at, self.d, len(self.order)
        i = at[a]
        b = order[(i + 1) % n]
        da = d[a]
        for c in self.near[a]:
            gain = da[b] - da[c]
            if gain <= 1e-12:
                break
            j = at[c]
            e = order[(j + 1) % n]
            total = gain + d[c][e] - d[b][e]
            if total > 1e-12:
                return total, (i + 1) % n, j, [a, b, c, e]
        b = order[i - 1]
        for c in self.near[a]:
            gain = da[b] - da[c]
            if gain <= 1e-12:
                break
            j = at[c]
            e = order[j - 1]
            total = gain + d[c][e] - d[b][e]
            if total > 1e-12:
                return total, i, (j - 1) % n, [a, b, c, e]
        return None

    def kick(self, start, rng):
        """A double bridge over a short stretch, repaired; undone where it does not help."""
        n = len(self.order)
        span = min(50, n // 2)
        cuts = sorted(rng.sample(range(1, span), 3))
        places = [(start + cut) % n for cut in [0, *cuts]]
        before = [self.order[(start + k) % n] for k in range(span + 1)]
        p, q, r = cuts
        after = [*before[:1], *before[q + 1 : r + 1], *before[p + 1 : q + 1], *before[1 : p + 1], *before[r + 1 :]]
        cost = self.cost(after) - self.cost(before)
        self.put(start, after)
        ends = {self.order[(place + k) % n] for place in places for k in (0, 1)}
        gained, changes = self.improve(list(ends))
        if gained < cost - 1e-12:
            for i, j in reversed(changes):
                self.reverse(i, j)
            self.put(start, before)

    def cost(self, piece):
        return sum(self.d[a][b] for a, b in pairwise(piece))

    def put(self, start, piece):
        n = len(self.order)
        for k, city in enumerate(piece):
            place = (start + k) % n
            self.order[place] = city
            self.at[city] = place
