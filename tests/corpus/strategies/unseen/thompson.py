# strategies: iterative bandit
import numpy as np
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    roles = ["a mathematician", "a systems programmer", "a statistician", "a puzzle solver"]
    good, bad = np.ones(len(roles)), np.ones(len(roles))
    rng = np.random.default_rng(1)
    best, level = initial_solution, utility(initial_solution)
    for _ in range(language_model.budget):
        i = int(np.argmax(rng.beta(good, bad)))
        reply = language_model.prompt("You are " + roles[i], "Improve\n```python\n" + best + "\n```\n" + utility.str)[0]
        text = extract_code(reply)
        value = utility(text)
        if value > level:
            best, level = text, value
            good[i] += 1
        else:
            bad[i] += 1
    return best
