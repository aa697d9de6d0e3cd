# strategies: iterative early-stop
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    champion, record = initial_solution, utility(initial_solution)
    stale = 0
    rounds = 0
    while rounds < language_model.budget:
        rounds += 1
        message = "\n".join(["Improve this.", "```python", champion, "```", utility.str])
        challenger = extract_code(language_model.prompt("Pro", message)[0])
        mark = utility(challenger)
        if mark > record:
            champion, record, stale = challenger, mark, 0
        else:
            stale += 1
        if stale == 2:
            break
    return champion
