# strategies: iterative crossover temperature feedback
from helpers import BudgetExhausted
import random
from helpers import extract_code

def improve_algorithm(initial_solution, utility, language_model):
    """Ask once for better versions of a solution and return the one that scores best."""
    current = initial_solution
    archive = {initial_solution: utility(initial_solution)}
    expertise = 'You are an expert programmer and computer scientist with a gift for making algorithms better.'
    for step in range(3):
        try:
            other = max(archive, key=archive.get)
            n_messages = max(1, language_model.max_responses_per_call // 2)
            messages = []
            for _ in range(n_messages):
                parent = current
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
```

Feedback: {utility.feedback(parent)}"""
                messages.append(message)
            answers = language_model.batch_prompt(expertise, messages, temperature=min(1.4, 0.2 + 0.2 * step))
            solutions = extract_code(answers)
            for candidate in solutions:
                archive[candidate] = utility(candidate)
                if archive[candidate] > archive.get(current, 0) or random.random() < 0.1:
                    current = candidate
        except BudgetExhausted:
            break
    return list(archive)[-1]
