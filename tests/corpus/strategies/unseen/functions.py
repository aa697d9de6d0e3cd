# strategies: iterative part-by-part
import ast

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    current = initial_solution
    level = utility(current)
    names = [n.name for n in ast.parse(initial_solution).body if isinstance(n, ast.FunctionDef)]
    for name in names[: language_model.budget]:
        module = ast.parse(current)
        i = next(k for k, n in enumerate(module.body) if getattr(n, "name", "") == name)
        source = ast.unparse(module.body[i])
        reply = language_model.prompt("Expert", f"Rewrite this function:\n```python\n{source}\n```\nfor {utility.str}")[0]
        try:
            module.body[i : i + 1] = ast.parse(extract_code(reply)).body
        except SyntaxError:
            continue
        candidate = ast.unparse(module)
        value = utility(candidate)
        if value > level:
            current, level = candidate, value
    return current
