import math

from helpers import BudgetExhausted, extract_code

EXPERTISE = "You are an expert programmer and computer scientist with a gift for making algorithms better."
EXPLORATION = 0.5


def improve_algorithm(initial_solution, utility, language_model):
    """UCB exploration: solutions are arms; pulling one asks for a child of it, and the child's score is the reward."""
    if utility.budget < 1:
        return initial_solution
    scores = {initial_solution: utility(initial_solution)}
    rewards, pulls = {initial_solution: [scores[initial_solution]]}, {initial_solution: 1}

    def judge(solutions):
        new = [s for s in dict.fromkeys(solutions) if s and s not in scores]
        new = new[: utility.budget - len(scores)]
        scores.update(zip(new, utility.map(new)))
        for solution in new:
            rewards[solution], pulls[solution] = [scores[solution]], 1

    def bound(arm):
        """The arm's mean reward on the scale of all scores, plus what is not yet known of it."""
        low, high = min(scores.values()), max(scores.values())
        mean = (sum(rewards[arm]) / len(rewards[arm]) - low) / ((high - low) or 1.0)
        return mean + EXPLORATION * math.sqrt(math.log(sum(pulls.values()) + 1) / pulls[arm])

    def pulled():
        arm = max(scores, key=bound)
        pulls[arm] += 1
        return arm

    try:
        for _ in range(language_model.budget):
            if len(scores) >= utility.budget:
                break
            arms = [pulled() for _ in range(language_model.max_responses_per_call)]
            messages = [question(arm, utility) for arm in arms]
            children = extract_code(language_model.batch_prompt(EXPERTISE, messages, temperature=0.7))
            judge(children)
            for arm, child in zip(arms, children):
                rewards[arm].append(scores.get(child, min(scores.values())))
    except BudgetExhausted:
        pass  # tokens may run out before calls do
    return max(scores, key=scores.get)


def question(solution, utility):
    return f"""Improve the following solution:
```python
{solution}
```

It is scored by this utility, and higher is better:
{utility.str}

Say first, in a sentence, what your idea is; then give the whole improved program in one block of Python code."""
