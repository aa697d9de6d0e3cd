# strategies: iterative genetic crossover cache
import functools
import random

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    @functools.lru_cache(maxsize=None)
    def fitness(genome):
        return utility(genome)

    def pick(herd):
        left, right = random.sample(herd, 2)
        return left if fitness(left) > fitness(right) else right

    def breed(x, y):
        request = "Cross these.\n" + "\n".join(f"```python\n{parent}\n```" for parent in (x, y)) + "\n" + utility.str
        return extract_code(language_model.prompt("Breeder", request)[0]) or x

    herd = [initial_solution] + extract_code(
        language_model.prompt("Breeder", f"Variants of\n```python\n{initial_solution}\n```\n{utility.str}", n_responses=5)
    )
    for _ in range(language_model.budget - 1):
        herd[herd.index(min(herd, key=fitness))] = breed(pick(herd), pick(herd))
    return max(herd, key=fitness)
