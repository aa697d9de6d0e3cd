import random

from helpers import BudgetExhausted, extract_code

EXPERTISE = "You tune tables of numbers."


def improve_algorithm(initial_solution, utility, language_model):
    """Greedy, cold"""
    if utility.budget < 1:
        return initial_solution
    scores = {initial_solution: utility(initial_solution)}

    def judge(solutions):
        new = [s for s in dict.fromkeys(solutions) if s and s not in scores]
        new = new[: utility.budget - len(scores)]
        scores.update(zip(new, utility.map(new)))

    def ranked():
        return sorted(scores, key=scores.get, reverse=True)

    rounds = language_model.budget
    try:
        for turn in range(rounds):
            if len(scores) >= utility.budget:
                break
            n = language_model.max_responses_per_call
            messages = [question(ranked()[0], "Be careful.") for _ in range(n)]
            judge(extract_code(language_model.batch_prompt(EXPERTISE, messages, temperature=0.2)))
    except BudgetExhausted:
        pass
    return ranked()[0]


def question(solution, say, other=None, note=""):
    second = f"""

Another one:
```python
{other}
```""" if other else ""
    return f"""Improve the following solution:
```python
{solution}
```
{note}{second}

{say} Give the whole improved program in one block of Python code."""
