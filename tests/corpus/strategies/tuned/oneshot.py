# strategies: unscored
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    plan = language_model.prompt("Planner", f"How would you improve this?\n```python\n{initial_solution}\n```\n{utility.str}")[0]
    code = language_model.prompt("Coder", f"Carry out the plan.\n{plan}\n```python\n{initial_solution}\n```")[0]
    return extract_code(code)
