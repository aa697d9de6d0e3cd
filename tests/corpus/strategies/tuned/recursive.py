# strategies: iterative tree
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    best = [initial_solution, utility(initial_solution)]

    def descend(program, levels):
        if levels == 0:
            return
        message = f"Give a better program than\n```python\n{program}\n```\nTask: {utility.str}"
        for answer in language_model.prompt("Engineer", message, n_responses=2):
            child = extract_code(answer)
            if not child:
                continue
            worth = utility(child)
            if worth > best[1]:
                best[:] = [child, worth]
                descend(child, levels - 1)

    try:
        descend(initial_solution, 3)
    except Exception:
        pass
    return best[0]
