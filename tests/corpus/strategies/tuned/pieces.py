# strategies: iterative part-by-part
import re

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    whole, mark = initial_solution, utility(initial_solution)
    for chunk in re.split(r"(?m)^(?=def )", initial_solution)[: language_model.budget]:
        reply = language_model.prompt("Expert", f"Improve only this:\n```python\n{chunk}\n```\nin\n{whole}\n{utility.str}")[0]
        trial = whole.replace(chunk, extract_code(reply))
        new = utility(trial)
        if new > mark:
            whole, mark = trial, new
    return whole
