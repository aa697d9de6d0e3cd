from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    """Ask once for better versions of a solution and return the one that scores best (the paper's seed improver)."""
    expertise = "You are an expert programmer and computer scientist with a gift for making algorithms better."
    message = f"""Improve the following solution:
```python
{initial_solution}
```

It is scored by this utility, and higher is better:
{utility.str}

Be as creative as you can within these constraints. Say first, in a sentence, what your idea is; then give the whole improved program in one block of Python code."""
    n_messages = min(language_model.max_responses_per_call, utility.budget)
    answers = language_model.batch_prompt(expertise, [message] * n_messages, temperature=0.7)
    solutions = extract_code(answers)
    return max(solutions, key=lambda solution: utility(solution, use_sandbox=True))
