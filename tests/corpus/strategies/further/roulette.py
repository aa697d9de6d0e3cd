# strategies: iterative bandit
import random

from helpers import extract_code

WAYS = (
    "Simplify the program.",
    "Generalise the program.",
    "Look for a mistake in the program and mend it.",
    "Try an entirely different method.",
)


def improve_algorithm(initial_solution, utility, language_model):
    won = [1.0 for _ in WAYS]
    king, crown = initial_solution, utility(initial_solution)
    while language_model.budget > 0:
        way = random.choices(range(len(WAYS)), weights=won)[0]
        try:
            texts = language_model.prompt("Expert", f"{WAYS[way]}\n```python\n{king}\n```\n{utility.str}")
        except Exception:
            break
        for rival in extract_code(texts):
            strength = utility(rival)
            won[way] += max(0.0, strength - crown)
            if strength > crown:
                king, crown = rival, strength
    return king
