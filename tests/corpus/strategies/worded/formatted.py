# strategies: iterative crossover genetic
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    pool = [(utility(initial_solution), initial_solution)]
    for _ in range(language_model.budget):
        pool.sort(reverse=True)
        one, two = pool[:2] if len(pool) > 1 else (pool[0], pool[0])
        message = "Cross {a} with {b}.".format(a=one[1], b=two[1])
        for text in extract_code(language_model.prompt("Expert", message, 2)):
            pool.append((utility(text), text))
    return max(pool)[1]
