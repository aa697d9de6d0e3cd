# strategies: iterative
import random

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    """Names that promise more than the program does: no beam, no tree, no bandit, no annealing."""
    beam_tree = initial_solution
    bandit_score = utility(beam_tree)
    for annealing in range(language_model.budget):
        genetic_population = extract_code(
            language_model.prompt("Expert", f"Improve\n```python\n{beam_tree}\n```\n{utility.str}", 4, temperature=0.7)
        )
        random.shuffle(genetic_population)
        for crossover_child in genetic_population:
            temperature_cache = utility(crossover_child)
            if temperature_cache > bandit_score:
                beam_tree, bandit_score = crossover_child, temperature_cache
    return beam_tree
