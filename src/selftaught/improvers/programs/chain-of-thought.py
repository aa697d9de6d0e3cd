from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    """Chain of thought: one attempt, reasoned step by step, and no scoring (the paper's weakest baseline)."""
    if language_model.budget < 1:
        return initial_solution
    expertise = "You are an expert programmer and computer scientist who thinks before writing."
    message = f"""Improve the following solution:
```python
{initial_solution}
```

It is scored by this utility, and higher is better:
{utility.str}

Think step by step: what does the solution do, what keeps its score down, which change helps most? Then give the whole improved program in one block of Python code."""
    answer = language_model.prompt(expertise, message, n_responses=1, temperature=0.7)[0]
    return extract_code(answer) or initial_solution
