# strategies: iterative tree
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    def best_below(text, deep):
        found = [(utility(text), text)]
        if deep:
            answers = language_model.prompt("Expert", f"Variants of\n```python\n{text}\n```\n{utility.str}", 2)
            found += [best_below(one, deep - 1) for one in extract_code(answers)]
        return max(found)

    return best_below(initial_solution, 2)[1]
