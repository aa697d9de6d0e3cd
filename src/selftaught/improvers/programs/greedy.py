from helpers import BudgetExhausted, extract_code

EXPERTISE = "You are an expert programmer and computer scientist with a gift for making algorithms better."


def improve_algorithm(initial_solution, utility, language_model):
    """Greedy iterative: each call asks for improvements of the best solution so far."""
    if utility.budget < 1:
        return initial_solution
    scores = {initial_solution: utility(initial_solution)}

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
            message = question(best(), scores[best()], utility)
            n = language_model.max_responses_per_call
            judge(extract_code(language_model.prompt(EXPERTISE, message, n_responses=n, temperature=0.7)))
    except BudgetExhausted:
        pass  # tokens may run out before calls do
    return best()


def question(solution, score, utility):
    return f"""Improve the following solution, which scores {score:.4f}:
```python
{solution}
```

It is scored by this utility, and higher is better:
{utility.str}

Say first, in a sentence, what your idea is; then give the whole improved program in one block of Python code."""
