# strategies: iterative crossover genetic
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
            n_messages = min(language_model.max_responses_per_call, utility.budget)
            messages = []
            for _ in range(n_messages):
                parent = sorted(archive, key=archive.get)[-2:][0]
                other = random.choice(sorted(archive, key=archive.get)[-5:])
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
                messages.append(message)
            answers = language_model.batch_prompt(expertise, messages, temperature=0.7)
            solutions = extract_code(answers)
            for candidate in dict.fromkeys(solutions):
                archive[candidate] = utility(candidate)
                if archive[candidate] > archive.get(current, 0) or random.random() < 0.1:
                    current = candidate
        except BudgetExhausted:
            break
    return random.choice(list(archive))
