# strategies: iterative annealing
import random
from math import e

from helpers import extract_code


def accept(old, new, heat):
    if new >= old:
        return True
    chance = e ** ((new - old) / heat)
    return random.random() <= chance


def improve_algorithm(initial_solution, utility, language_model):
    state = winner = (initial_solution, utility(initial_solution))
    for k in range(language_model.budget):
        request = f"Mutate\n```python\n{state[0]}\n```\n{utility.str}"
        draft = extract_code(language_model.prompt("Expert", request)[0])
        candidate = (draft, utility(draft))
        if accept(state[1], candidate[1], 1 / (k + 1)):
            state = candidate
        if candidate[1] > winner[1]:
            winner = candidate
    return winner[0]
