# strategies: iterative ucb
from collections import defaultdict
from math import log, sqrt

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    pulls = defaultdict(int)
    gains = defaultdict(float)
    level = {initial_solution: utility(initial_solution)}

    def hope(text):
        return level[text] + gains[text] / (1 + pulls[text]) + sqrt(2 * log(1 + sum(pulls.values())) / (1 + pulls[text]))

    def step():
        arm = max(level, key=hope)
        pulls[arm] += 1
        child = extract_code(language_model.prompt("Expert", f"Better:\n```python\n{arm}\n```\n{utility.str}")[0])
        level[child] = utility(child)
        gains[arm] += level[child] - level[arm]

    for _ in range(language_model.budget):
        step()
    return max(level, key=level.get)
