# strategies: sampling hints parallel-scoring
from itertools import cycle, islice

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    advice = cycle(["use a table", "use recursion", "use numpy", "use randomness", "sort first"])
    messages = [
        f"Improve this program; {one}.\n```python\n{initial_solution}\n```\n{utility.str}"
        for one in islice(advice, language_model.max_responses_per_call)
    ]
    drafts = [initial_solution, *map(extract_code, language_model.batch_prompt("Expert", messages))]
    return max(zip(utility.map(drafts), drafts))[1]
