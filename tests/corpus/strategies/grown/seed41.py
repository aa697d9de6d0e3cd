# strategies: iterative crossover genetic cache feedback
import random
from helpers import BudgetExhausted
from helpers import extract_code

def improve_algorithm(initial_solution, utility, language_model):
    """Ask once for better versions of a solution and return the one that scores best."""
    current = initial_solution
    archive = {initial_solution: utility(initial_solution)}
    expertise = 'You are an expert programmer and computer scientist with a gift for making algorithms better.'
    for step in range(3):
        try:
            n_messages = language_model.max_responses_per_call
            messages = []
            for _ in range(n_messages):
                parent = current
                other = random.choice(list(archive))
                message = f"""Improve the following solution:
```python
{parent}
```

It is scored by this utility, and higher is better:
{utility.str}

Be as creative as you can within these constraints. Say first, in a sentence, what your idea is; then give the whole improved program in one block of Python code.

Feedback: {utility.feedback(initial_solution)}

Another attempt, to take ideas from:
```python
{other}
```"""
                messages.append(message)
            answers = language_model.batch_prompt(expertise, messages, temperature=0.4)
            solutions = extract_code(answers)
            for candidate in solutions:
                if candidate not in archive:
                    archive[candidate] = utility(candidate)
                if archive[candidate] >= archive.get(current, 0):
                    current = candidate
        except BudgetExhausted:
            break
        for old in sorted(archive, key=archive.get)[:-8]:
            del archive[old]
    return random.choice(list(archive))
