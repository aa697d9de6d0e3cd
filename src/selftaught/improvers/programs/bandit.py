import random

from helpers import BudgetExhausted, extract_code

EXPERTISE = "You are an expert programmer and computer scientist with a gift for making algorithms better."
WAYS = [
    "Change as little as possible: adjust one constant or one operation.",
    "Replace the algorithm by a fundamentally different one.",
    "Combine the solution's idea with a second, complementary one.",
    "Find the case in which the solution does worst, and mend that.",
    "Simplify: remove what does not help, then improve what is left.",
]


def improve_algorithm(initial_solution, utility, language_model):
    """Bandit over prompts: Thompson sampling learns which way of asking makes solutions that beat their parent."""
    if utility.budget < 1:
        return initial_solution
    scores = {initial_solution: utility(initial_solution)}
    wins, losses = [1] * len(WAYS), [1] * len(WAYS)

    def judge(solutions):
        new = [s for s in dict.fromkeys(solutions) if s and s not in scores]
        new = new[: utility.budget - len(scores)]
        scores.update(zip(new, utility.map(new)))
        return new

    def drawn_way():
        return max(range(len(WAYS)), key=lambda way: random.betavariate(wins[way], losses[way]))

    def best():
        return max(scores, key=scores.get)

    try:
        for _ in range(language_model.budget):
            if len(scores) >= utility.budget:
                break
            parent = best()
            ways = [drawn_way() for _ in range(language_model.max_responses_per_call)]
            messages = [question(parent, WAYS[way], utility) for way in ways]
            answers = extract_code(language_model.batch_prompt(EXPERTISE, messages, temperature=0.7))
            new = set(judge(answers))
            for way, solution in zip(ways, answers):
                won = solution in new and scores[solution] > scores[parent]
                wins[way] += won
                losses[way] += not won
    except BudgetExhausted:
        pass  # tokens may run out before calls do
    return best()


def question(solution, way, utility):
    return f"""Improve the following solution:
```python
{solution}
```

It is scored by this utility, and higher is better:
{utility.str}

{way} Give the whole improved program in one block of Python code."""
