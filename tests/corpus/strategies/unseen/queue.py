# strategies: iterative tree parallel-scoring
import heapq
from itertools import count

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    tick = count()
    frontier = [(-utility(initial_solution), next(tick), initial_solution)]
    seen = [frontier[0]]
    for _ in range(language_model.budget):
        if not frontier:
            break
        _, _, node = heapq.heappop(frontier)
        message = f"Write a better program:\n```python\n{node}\n```\n{utility.str}"
        kids = [k for k in extract_code(language_model.prompt("Expert", message, 3)) if k]
        for value, kid in zip(utility.map(kids), kids):
            heapq.heappush(frontier, (-value, next(tick), kid))
            seen.append((-value, next(tick), kid))
    return min(seen)[2]
