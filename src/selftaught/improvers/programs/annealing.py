import math
import random

from helpers import BudgetExhausted, extract_code

EXPERTISE = "You are an expert programmer and computer scientist with a gift for making algorithms better."
COOLING = 0.85


def improve_algorithm(initial_solution, utility, language_model):
    """Simulated annealing: each answer is a step from the current solution; worse ones are accepted while it is hot."""
    if utility.budget < 1:
        return initial_solution
    scores = {initial_solution: utility(initial_solution)}

    def judge(solutions):
        new = [s for s in dict.fromkeys(solutions) if s and s not in scores]
        new = new[: utility.budget - len(scores)]
        scores.update(zip(new, utility.map(new)))
        return new

    def accepted(step, current, heat):
        loss = scores[current] - scores[step]
        spread = max(scores.values()) - min(scores.values())
        return loss <= 0 or random.random() < math.exp(-loss / (heat * spread))

    current, heat = initial_solution, 0.3
    try:
        for _ in range(language_model.budget):
            if len(scores) >= utility.budget:
                break
            message = question(current, utility)
            n = language_model.max_responses_per_call
            answers = language_model.prompt(EXPERTISE, message, n_responses=n, temperature=0.4 + heat)
            for step in judge(extract_code(answers)):
                if accepted(step, current, heat):
                    current = step
                heat *= COOLING
    except BudgetExhausted:
        pass  # tokens may run out before calls do
    return max(scores, key=scores.get)


def question(solution, utility):
    return f"""Change the following solution in one respect, so that it may score higher:
```python
{solution}
```

It is scored by this utility, and higher is better:
{utility.str}

Say first, in a sentence, what you change; then give the whole program in one block of Python code."""
