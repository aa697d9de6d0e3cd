# strategies: sampling early-stop
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    best, level = initial_solution, utility(initial_solution)
    question = f"Improve this program:\n```python\n{initial_solution}\n```\nGoal: {utility.str}"
    used = 1
    for _ in range(language_model.budget):
        for answer in language_model.prompt("Expert", question, n_responses=language_model.max_responses_per_call):
            if used >= utility.budget or level >= 1.0:
                return best
            candidate = extract_code(answer)
            value = utility(candidate)
            used += 1
            if value > level:
                best, level = candidate, value
    return best
