import random

from helpers import BudgetExhausted, extract_code

EXPERTISE = "You are an expert programmer and computer scientist with a gift for making algorithms better."
DECAY = 0.7
PATIENCE = 2


def improve_algorithm(initial_solution, utility, language_model):
    """Epsilon-greedy: refine the best or explore from any solution, ever less; start afresh when nothing improves."""
    if utility.budget < 1:
        return initial_solution
    scores = {initial_solution: utility(initial_solution)}
    pool, epsilon, idle = [initial_solution], 0.6, 0

    def judge(solutions):
        new = [s for s in dict.fromkeys(solutions) if s and s not in scores]
        new = new[: utility.budget - len(scores)]
        scores.update(zip(new, utility.map(new)))
        return new

    def best():
        return max(scores, key=scores.get)

    try:
        for _ in range(language_model.budget):
            if len(scores) >= utility.budget:
                break
            before, messages = best(), []
            for _ in range(language_model.max_responses_per_call):
                explore = random.random() < epsilon
                messages.append(question(random.choice(pool) if explore else before, explore, utility))
            pool += judge(
                extract_code(language_model.batch_prompt(EXPERTISE, messages, temperature=0.5 + 0.5 * epsilon))
            )
            epsilon *= DECAY
            idle = 0 if best() != before else idle + 1
            if idle >= PATIENCE:
                pool, epsilon, idle = [initial_solution, best()], 0.6, 0
    except BudgetExhausted:
        pass  # tokens may run out before calls do
    return best()


def question(solution, explore, utility):
    wish = "Try an idea that is quite different." if explore else "Keep its idea and refine it."
    return f"""Improve the following solution:
```python
{solution}
```

It is scored by this utility, and higher is better:
{utility.str}

{wish} Give the whole improved program in one block of Python code."""
