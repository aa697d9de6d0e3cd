# strategies: iterative epsilon-greedy feedback
import random

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    archive = [(utility(initial_solution), initial_solution)]
    eps = 0.5
    for _ in range(language_model.budget):
        if random.uniform(0, 1) > eps:
            parent = sorted(archive)[-1]
        else:
            parent = random.choice(archive)
        remark = utility.feedback(parent[1])
        message = f"{remark}\n```python\n{parent[1]}\n```\n{utility.str}"
        for reply in language_model.prompt("Expert", message, n_responses=2):
            code = extract_code(reply)
            archive.append((utility(code), code))
        eps /= 2
    return sorted(archive)[-1][1]
