# strategies: iterative epsilon-greedy
from operator import itemgetter
from random import Random

from helpers import extract_code


def bases(rng, known, times):
    for turn in range(times):
        if rng.random() > 1 / (turn + 1):
            yield max(known.items(), key=itemgetter(1))[0]
        else:
            yield rng.choice(list(known))


def improve_algorithm(initial_solution, utility, language_model):
    known = {initial_solution: utility(initial_solution)}
    for base in bases(Random(7), known, language_model.budget):
        for fresh in extract_code(language_model.prompt("Expert", f"Improve\n```python\n{base}\n```\n{utility.str}", 3)):
            known[fresh] = utility(fresh)
    return max(known, key=known.get)
