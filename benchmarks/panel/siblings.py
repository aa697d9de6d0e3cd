from helpers import BudgetExhausted, extract_code

EXPERTISE = "You tune tables of numbers."


def improve_algorithm(initial_solution, utility, language_model):
    """Greedy in many numbers; where two answers of a round beat their parent, one of the next puts both together."""
    if utility.budget < 1:
        return initial_solution
    scores = {initial_solution: utility(initial_solution)}
    winners = []

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
            parent = best()
            messages = [question(parent, "Tune the constants, many numbers at once.")] * language_model.max_responses_per_call
            if len(winners) > 1:
                messages[0] = question(winners[0], "Combine these two.", winners[1])
            new = judge(extract_code(language_model.batch_prompt(EXPERTISE, messages, temperature=1.0)))
            winners = sorted((s for s in new if scores[s] > scores[parent]), key=scores.get, reverse=True)
    except BudgetExhausted:
        pass
    return best()


def question(solution, say, other=None):
    second = f"\n\nAnother one:\n```python\n{other}\n```" if other else ""
    return f"""Improve the following solution:
```python
{solution}
```{second}

{say} Give the whole improved program in one block of Python code."""
