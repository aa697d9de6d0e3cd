# strategies: iterative genetic crossover
from random import choices, shuffle

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    ask = lambda text: extract_code(language_model.prompt("Biologist of programs", text, 3))
    brood = [(utility(p), p) for p in ask("Vary this:\n```python\n%s\n```\n%s" % (initial_solution, utility.str)) if p]
    brood.append((utility(initial_solution), initial_solution))
    for generation in range(language_model.budget - 1):
        weights = [max(score, 1e-6) for score, _ in brood]
        a, b = choices(brood, weights=weights, k=2)
        text = "Two parents.\n```python\n%s\n```\nand\n```python\n%s\n```\nMake a child.\n%s" % (a[1], b[1], utility.str)
        children = [(utility(c), c) for c in ask(text) if c]
        brood = brood + children
        shuffle(brood)
        brood = [max(pair) for pair in zip(brood[::2], brood[1::2])] or brood
    return max(brood)[1]
