from itertools import cycle, islice

from helpers import BudgetExhausted, extract_code

EXPERTISE = "You are an expert programmer and computer scientist with a gift for making algorithms better."
HINTS = [
    "Tune the constants.",
    "Use another data structure.",
    "Use another algorithm altogether.",
    "Start from a better initial guess, then improve it step by step.",
    "Use randomness: several attempts, and keep the best.",
    "Use linear algebra.",
    "Use dynamic programming.",
    "Solve small cases exactly.",
    "Handle the hardest inputs first.",
    "Spend the time limit better.",
    "Average over several weak answers.",
    "Exploit what the description says of how inputs are made.",
]


def improve_algorithm(initial_solution, utility, language_model):
    """Hint list: every message of a batch gives another hint; the next batch goes on with the best solution."""
    if utility.budget < 1:
        return initial_solution
    scores = {initial_solution: utility(initial_solution)}
    hints = cycle(HINTS)

    def judge(solutions):
        new = [s for s in dict.fromkeys(solutions) if s and s not in scores]
        new = new[: utility.budget - len(scores)]
        scores.update(zip(new, utility.map(new)))

    def best():
        return max(scores, key=scores.get)

    try:
        for _ in range(language_model.budget):
            if len(scores) >= utility.budget:
                break
            batch = islice(hints, language_model.max_responses_per_call)
            messages = [question(best(), hint, utility) for hint in batch]
            judge(extract_code(language_model.batch_prompt(EXPERTISE, messages, temperature=0.7)))
    except BudgetExhausted:
        pass  # tokens may run out before calls do
    return best()


def question(solution, hint, utility):
    return f"""Improve the following solution:
```python
{solution}
```

It is scored by this utility, and higher is better:
{utility.str}

A hint that may or may not help: {hint} Give the whole improved program in one block of Python code."""
