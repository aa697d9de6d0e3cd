from helpers import BudgetExhausted, extract_code

EXPERTISE = "You are an expert programmer and computer scientist with a gift for making algorithms better."
WIDTH = 3


def improve_algorithm(initial_solution, utility, language_model):
    """Beam search: the best few solutions are refined side by side, with a score cache and a decaying temperature."""
    if utility.budget < 1:
        return initial_solution
    cache = {initial_solution: utility(initial_solution)}

    def judge(solutions):
        new = [s for s in dict.fromkeys(solutions) if s and s not in cache]
        new = new[: utility.budget - len(cache)]
        cache.update(zip(new, utility.map(new)))

    def beam():
        return sorted(cache, key=cache.get, reverse=True)[:WIDTH]

    temperature = 1.0
    try:
        for _ in range(language_model.budget):
            if len(cache) >= utility.budget:
                break
            parents = beam()
            places = range(language_model.max_responses_per_call)
            messages = [question(parents[i % len(parents)], utility) for i in places]
            judge(extract_code(language_model.batch_prompt(EXPERTISE, messages, temperature=temperature)))
            temperature = max(0.3, temperature * 0.8)
    except BudgetExhausted:
        pass  # tokens may run out before calls do
    return beam()[0]


def question(solution, utility):
    return f"""Refine the following solution:
```python
{solution}
```

It is scored by this utility, and higher is better:
{utility.str}

Keep what works in it. Say first, in a sentence, what your idea is; then give the whole refined program in one block of Python code."""
