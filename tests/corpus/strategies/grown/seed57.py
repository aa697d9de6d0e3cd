# strategies: sampling temperature
import random
from helpers import extract_code

def improve_algorithm(initial_solution, utility, language_model):
    """Ask once for better versions of a solution and return the one that scores best."""
    archive = {initial_solution: utility(initial_solution)}
    expertise = 'You are an expert programmer and computer scientist with a gift for making algorithms better.'
    other = random.choice(sorted(archive, key=archive.get)[-3:])
    for step in range(max(1, language_model.budget // 2)):
        parent = initial_solution
        message = f"""Improve the following solution:
```python
{parent}
```

It is scored by this utility, and higher is better:
{utility.str}

Be as creative as you can within these constraints. Say first, in a sentence, what your idea is; then give the whole improved program in one block of Python code.

Another attempt, to take ideas from:
```python
{other}
```"""
        n_messages = max(1, language_model.max_responses_per_call // 2)
        answers = language_model.batch_prompt(expertise, [message] * n_messages, temperature=random.choice((0.4, 0.7, 1.0)))
        solutions = extract_code(answers)
        for candidate in dict.fromkeys(solutions):
            archive[candidate] = utility(candidate)
    return max(archive, key=archive.get)
