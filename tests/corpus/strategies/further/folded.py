# strategies: iterative unscored
from functools import reduce

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    def better(text, _):
        return extract_code(language_model.prompt("Editor", f"Polish:\n```python\n{text}\n```\n{utility.str}")[0]) or text

    return reduce(better, range(language_model.budget), initial_solution)
