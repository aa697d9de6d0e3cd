import re
from itertools import cycle, islice

from helpers import BudgetExhausted, completed, edited

EXPERTISE = "You are an expert programmer with a gift for making programs better."
HINTS = [
    "Tune the constants.",
    "Use another algorithm altogether.",
    "Do less work.",
    "Simplify it.",
    "Look at what the feedback says goes wrong.",
    "Use another data structure.",
    "Handle the hardest inputs first.",
    "Use what the language and its tools already offer.",
]


def improve_algorithm(initial_solution, utility, language_model):
    """Hint list for files in any language: a short file is written anew in one fenced block, a long one edited by several."""
    if utility.budget < 1:
        return initial_solution
    scores = {initial_solution: utility(initial_solution)}
    hints = cycle(HINTS)

    def judge(solutions):
        new = [s for s in dict.fromkeys(solutions) if s.strip() and s not in scores]
        new = new[: utility.budget - len(scores)]
        scores.update(zip(new, utility.map(new)))

    def best():
        return max(scores, key=scores.get)

    try:
        for _ in range(language_model.budget):
            if len(scores) >= utility.budget:
                break
            batch = islice(hints, language_model.max_responses_per_call)
            now = best()
            messages = [question(now, hint, utility) for hint in batch]
            answers = language_model.batch_prompt(EXPERTISE, messages, temperature=0.7)
            judge([edited(one, now, completed(block(one), now)) for one in answers])
    except BudgetExhausted:
        pass  # tokens may run out before calls do
    return best()


def block(answer):
    """The largest fenced block of an answer that is no edit; the empty text where there is none."""
    found = re.findall(r"^```[^\n`]*\n(.*?)^```", str(answer), re.DOTALL | re.MULTILINE)
    return max((one for one in found if not one.startswith(MARKS[0])), key=len, default="")


def question(solution, hint, utility):
    return f"""Improve the following file:
```
{solution}
```

It is scored by this utility, and higher is better:
{utility.str}

How it fares: {utility.feedback(solution)}

A hint that may or may not help: {hint} {EDIT if len(solution) > LONG else WHOLE}"""


LONG = 6000
WHOLE = "Give the whole improved file in one fenced block."
MARKS = "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"
EDIT = """The file is long, so give what changes alone, as one or more blocks of this form, each SEARCH text copied exactly, \
whole lines, and long enough to be in the file once:
{}
lines of the file that are to change
{}
lines that take their place
{}
If most of it changes, give the whole improved file in one fenced block instead.""".format(*MARKS)
