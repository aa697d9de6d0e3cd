# strategies: sampling
import ast

from helpers import extract_code


def parses(text):
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def improve_algorithm(initial_solution, utility, language_model):
    text = f"Improve:\n```python\n{initial_solution}\n```\n{utility.str}"
    n = min(language_model.max_responses_per_call, utility.budget)
    candidates = [c for c in extract_code(language_model.batch_prompt("Expert", [text] * n)) if parses(c)]
    top = initial_solution
    level = float("-inf")
    for candidate in candidates:
        got = utility(candidate)
        if got > level:
            top, level = candidate, got
    return top
