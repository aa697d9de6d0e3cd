from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    """Best of n: the whole budget of answers goes to the seed improver's question; the best answer wins."""
    expertise = "You are an expert programmer and computer scientist with a gift for making algorithms better."
    message = f"""Improve the following solution:
```python
{initial_solution}
```

It is scored by this utility, and higher is better:
{utility.str}

Be as creative as you can within these constraints. Say first, in a sentence, what your idea is; then give the whole improved program in one block of Python code."""
    n = min(language_model.budget * language_model.max_responses_per_call, utility.budget)
    if n < 1:
        return initial_solution
    answers = extract_code(language_model.batch_prompt(expertise, [message] * n, temperature=0.7))
    solutions = [s for s in dict.fromkeys(answers) if s and s != initial_solution]
    if len(solutions) < utility.budget:
        solutions.insert(0, initial_solution)
    scores = dict(zip(solutions, utility.map(solutions)))
    return max(scores, key=scores.get)
